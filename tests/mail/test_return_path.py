from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.mail import return_path, token
from chalicelib.mail.address import parse
from chalicelib.mail.token import Keyring, Purpose, Token

KEYRING = Keyring(current=1, keys={1: b"k" * 32})
TOKEN = Token(account="abcdefg2", email_id=UUID("01932f3c-7d1a-7abc-8def-0123456789ab"), recipient=3)
ADDRESS = return_path.address(TOKEN, "acme.test", KEYRING)
LOCAL = ADDRESS.partition("@")[0]


def test_a_return_path_fits_every_mail_system() -> None:
    assert ADDRESS.endswith("@ps-bounces.acme.test")
    assert len(LOCAL) == 58
    assert parse(ADDRESS).addr_spec == ADDRESS


def test_a_return_path_tells_its_delivery_and_domain() -> None:
    assert return_path.read(ADDRESS, KEYRING) == (TOKEN, "acme.test")


def test_a_return_path_that_came_back_in_another_case_is_the_same() -> None:
    assert return_path.read(ADDRESS.upper(), KEYRING) == (TOKEN, "acme.test")


@pytest.mark.parametrize(
    "text",
    [
        "",
        LOCAL,
        f"{LOCAL}@acme.test",
        f"{LOCAL}@ps-bounces.",
        f"{LOCAL}@ps-bounces.other.test",
        f"{LOCAL}@ps-bounces.acme.test.",
        f"{LOCAL}@x.ps-bounces.acme.test",
        f"{LOCAL}@ps-bouncesxacme.test",
        f" {ADDRESS}",
        f"{ADDRESS}\n",
        f"<{ADDRESS}>",
        f"c-{LOCAL[2:]}@ps-bounces.acme.test",
        f"{LOCAL}a@ps-bounces.acme.test",
        f"{LOCAL[:-1]}@ps-bounces.acme.test",
        f"{LOCAL}@ps-bounces.äcme.test",
        f"{LOCAL}@p\u017f-bounces.acme.test",
        "b-" + token.seal(TOKEN, Purpose.COMPLAINT, "acme.test", KEYRING) + "@ps-bounces.acme.test",
        "b-" + "a" * 56 + "@ps-bounces.acme.test",
    ],
)
def test_what_we_did_not_write_is_refused(text: str) -> None:
    assert return_path.read(text, KEYRING) is None


@settings(max_examples=30)
@given(st.text(max_size=80), st.integers(0, len(ADDRESS)), st.integers(0, len(ADDRESS)))
def test_nothing_makes_reading_raise(text: str, start: int, end: int) -> None:
    assert return_path.read(text, KEYRING) is None
    spoilt = ADDRESS[:start] + text + ADDRESS[end:]
    assert return_path.read(spoilt, KEYRING) in (None, (TOKEN, "acme.test"))

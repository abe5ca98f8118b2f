import json
import string
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.mail import token
from chalicelib.mail.token import Keyring, Purpose, Token

BASE32 = string.ascii_lowercase + "234567"
KEYRING = Keyring(current=1, keys={1: b"k" * 32, 31: b"m" * 40})
TOKEN = Token(account="abcdefg2", email_id=UUID("01932f3c-7d1a-7abc-8def-0123456789ab"), recipient=99)
SEALED = token.seal(TOKEN, Purpose.RETURN_PATH, "acme.test", KEYRING)

tokens = st.builds(
    Token,
    account=st.text(BASE32, min_size=8, max_size=8),
    email_id=st.uuids(),
    recipient=st.integers(0, 127),
)


def unsealed(text: str, keyring: Keyring = KEYRING) -> Token | None:
    return token.unseal(text, Purpose.RETURN_PATH, "acme.test", keyring)


@settings(max_examples=30)
@given(tokens, st.sampled_from(Purpose), st.sampled_from([1, 31]))
def test_what_was_sealed_is_unsealed(given_token: Token, purpose: Purpose, current: int) -> None:
    sealed = token.seal(given_token, purpose, "acme.test", Keyring(current=current, keys=KEYRING.keys))
    assert len(sealed) == 56
    assert set(sealed) <= set(BASE32)
    assert token.unseal(sealed, purpose, "acme.test", KEYRING) == given_token


def test_a_seal_never_changes_because_mail_that_is_out_comes_back_with_it() -> None:
    assert SEALED == "babcdefg2agjs6pd5dj5lzdppaerukz4jvpdewvkreynsla7a2jkcd5q"


def test_case_does_not_matter() -> None:
    assert unsealed(SEALED.upper()) == unsealed(SEALED.swapcase()) == unsealed(SEALED.title()) == TOKEN
    assert token.unseal(SEALED, Purpose.RETURN_PATH, "ACME.Test", KEYRING) == TOKEN


def test_every_altered_bit_is_noticed() -> None:
    for place, letter in enumerate(SEALED):
        for other in set(BASE32) - {letter}:
            assert unsealed(SEALED[:place] + other + SEALED[place + 1 :]) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        SEALED[:-1],
        SEALED + "a",
        SEALED + "\n",
        SEALED[:-1] + "=",
        SEALED[:50] + "======",
        " " + SEALED[1:],
        "1" + SEALED[1:],
        "é" + SEALED[1:],
        "\u212a" + SEALED[1:],
        "\u017f" + SEALED[1:],
        "\ud800" + SEALED[1:],
        "\0" * 56,
        "a" * 56,
        "7" * 56,
    ],
)
def test_the_malformed_is_refused(text: str) -> None:
    assert unsealed(text) is None


@settings(max_examples=30)
@given(st.text(max_size=60) | st.text(BASE32, min_size=56, max_size=56), st.text(max_size=20))
def test_nothing_that_is_no_token_makes_it_raise(text: str, domain: str) -> None:
    assert token.unseal(text, Purpose.RETURN_PATH, domain, KEYRING) is None


def test_a_token_is_good_for_one_purpose_and_one_domain() -> None:
    assert token.unseal(SEALED, Purpose.COMPLAINT, "acme.test", KEYRING) is None
    for domain in ("acme.tes", "acme.test.", "b.acme.test", "", "äcme.test"):
        assert token.unseal(SEALED, Purpose.RETURN_PATH, domain, KEYRING) is None


def test_a_key_is_needed_and_it_must_be_the_one_that_sealed() -> None:
    assert unsealed(SEALED, Keyring(current=2, keys={2: b"k" * 32})) is None
    assert unsealed(SEALED, Keyring(current=1, keys={1: b"x" * 32})) is None
    assert unsealed(SEALED, Keyring(current=2, keys={2: b"n" * 32, 1: b"k" * 32})) == TOKEN


@pytest.mark.parametrize("account", ["", "abcdefg", "abcdefgh2", "ABCDEFG2", "abcdefg1", "abcdefgé", "abcdefg2\n"])
def test_an_account_is_eight_lower_case_base32_characters(account: str) -> None:
    with pytest.raises(ValueError, match="account"):
        Token(account=account, email_id=TOKEN.email_id, recipient=0)


@pytest.mark.parametrize("recipient", [-1, 128])
def test_a_recipient_has_seven_bits(recipient: int) -> None:
    with pytest.raises(ValueError, match="recipient"):
        Token(account=TOKEN.account, email_id=TOKEN.email_id, recipient=recipient)


def test_a_keyring_is_read_from_its_secret() -> None:
    ring = Keyring.parse(json.dumps({"current": "31", "0": "a" * 32, "31": "é" * 16}))
    assert ring == Keyring(current=31, keys={0: b"a" * 32, 31: "é".encode() * 16})
    assert "aaa" not in repr(ring)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "not json secret",
        "[]",
        '"secret"',
        "{}",
        '{"1": "secretsecretsecretsecretsecretsecret"}',
        '{"current": "current"}',
        '{"current": "1"}',
        '{"current": 1, "1": "secretsecretsecretsecretsecretsecret"}',
        '{"current": ["1"], "1": "secretsecretsecretsecretsecretsecret"}',
        '{"current": "2", "1": "secretsecretsecretsecretsecretsecret"}',
        '{"current": "1", "1": "secret-too-short"}',
        '{"current": "1", "1": 12345678901234567890123456789012345}',
        '{"current": "32", "32": "secretsecretsecretsecretsecretsecret"}',
        '{"current": "01", "01": "secretsecretsecretsecretsecretsecret"}',
        '{"current": "-1", "-1": "secretsecretsecretsecretsecretsecret"}',
        '{"current": "1", "1": "secretsecretsecretsecretsecretsecret", "x": "secretsecretsecretsecretsecretsecret"}',
    ],
)
def test_an_unusable_secret_is_refused_without_being_told(secret: str) -> None:
    with pytest.raises(ValueError, match=r"token secret") as refusal:
        Keyring.parse(secret)
    assert "secretsecret" not in str(refusal.value)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None

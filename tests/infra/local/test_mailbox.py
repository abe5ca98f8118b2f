"""Kept mail: octet for octet, newest first, and still there after a restart."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.mailbox import Envelope, Mailbox, readable, subject

ARRIVED = Envelope(mail_from="b-1@ps-bounces.acme.test", rcpt_to=("ann@inbox.test",), tls=True)
RAW = b"Subject: Hello\r\n\r\nbody \xff\x00\r\n"


def test_a_mail_is_found_again_as_it_came(tmp_path: Path) -> None:
    box = Mailbox(tmp_path)
    kept = box.keep(ARRIVED, RAW)
    assert box.find(kept.id) == (kept, RAW)
    assert (kept.subject, kept.mail_from, kept.rcpt_to, kept.tls) == ("Hello", ARRIVED.mail_from, ARRIVED.rcpt_to, True)


def test_the_newest_comes_first_and_a_restart_changes_nothing(tmp_path: Path) -> None:
    box = Mailbox(tmp_path)
    ids = [box.keep(ARRIVED, RAW).id for _ in range(20)]
    assert [kept.id for kept in box.newest_first()] == ids[::-1]
    assert Mailbox(tmp_path).newest_first() == box.newest_first()


def test_a_mail_without_its_second_file_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "17.eml").write_bytes(RAW)
    assert not Mailbox(tmp_path).newest_first()


def test_clearing_leaves_nothing(tmp_path: Path) -> None:
    box = Mailbox(tmp_path)
    kept = box.keep(ARRIVED, RAW)
    box.clear()
    assert not box.newest_first()
    assert box.find(kept.id) is None
    assert not list(tmp_path.iterdir())


def test_an_id_is_no_path(tmp_path: Path) -> None:
    (tmp_path / "secret.eml").write_bytes(b"x")
    assert Mailbox(tmp_path / "mail").find("../secret") is None


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"two\r\n lines", "two lines"),
        (b"=?nonsense?q?x?=", "=?nonsense?q?x?="),
        (b"=?utf-8?b?A?=", "=?utf-8?b?A?="),
        (b"", ""),
    ],
)
def test_a_subject_is_shown_as_a_person_reads_it(header: bytes, shown: str) -> None:
    assert subject(b"Subject: " + header + b"\r\n\r\n") == shown


@given(st.binary(max_size=300))
def test_no_subject_whatever_its_octets_is_an_exception(junk: bytes) -> None:
    assert "\n" not in subject(b"Subject: " + junk + b"\r\n\r\n").rstrip("\n")


@given(st.text())
def test_every_header_can_be_read(value: str) -> None:
    readable(value)

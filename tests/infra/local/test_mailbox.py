"""Kept mail: octet for octet, newest first, and still there after a restart."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.mailbox import Envelope, Mailbox, header, readable

ARRIVED = Envelope(mail_from="b-1@ps-bounces.acme.test", rcpt_to=("ann@inbox.test",), tls=True)
RAW = b"From: =?utf-8?q?J=C3=B6rg?= <joerg@acme.test>\r\nSubject: Hello\r\n\r\nbody \xff\x00\r\n"


def test_a_mail_is_found_again_as_it_came(tmp_path: Path) -> None:
    box = Mailbox(tmp_path)
    kept = box.keep(ARRIVED, RAW)
    assert box.find(kept.id) == (kept, RAW)
    assert (kept.subject, kept.mail_from, kept.rcpt_to, kept.tls) == ("Hello", ARRIVED.mail_from, ARRIVED.rcpt_to, True)


def test_a_mail_knows_whom_it_says_it_is_from(tmp_path: Path) -> None:
    assert Mailbox(tmp_path).keep(ARRIVED, RAW).header_from == "Jörg <joerg@acme.test>"


def test_a_mail_that_was_kept_without_its_author_finds_it_again(tmp_path: Path) -> None:
    kept = Mailbox(tmp_path).keep(ARRIVED, RAW)
    path = tmp_path / f"{kept.id}.json"
    fields = json.loads(path.read_text())
    del fields["header_from"]
    path.write_text(json.dumps(fields))
    assert Mailbox(tmp_path).newest_first() == [kept]


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
    ("value", "shown"),
    [
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"two\r\n lines", "two lines"),
        (b"=?nonsense?q?x?=", "=?nonsense?q?x?="),
        (b"=?utf-8?b?A?=", "=?utf-8?b?A?="),
        (b"", ""),
    ],
)
def test_a_subject_is_shown_as_a_person_reads_it(value: bytes, shown: str) -> None:
    assert header(b"Subject: " + value + b"\r\n\r\n", "Subject") == shown


@given(st.binary(max_size=300))
def test_no_subject_whatever_its_octets_is_an_exception(junk: bytes) -> None:
    assert "\n" not in header(b"Subject: " + junk + b"\r\n\r\n", "Subject").rstrip("\n")


@given(st.text())
def test_every_header_can_be_read(value: str) -> None:
    readable(value)

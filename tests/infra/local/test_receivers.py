"""The receiving server, spoken to by smtplib and by raw sockets."""

import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.local import background, receivers
from infra.local.mailbox import Mailbox
from infra.local.simulator import Simulator

pytestmark = pytest.mark.sockets

MAIL = b"From: a@acme.test\r\nSubject: Hi\r\n\r\nHello\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    port: int
    mailbox: Mailbox


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    mailbox = Mailbox(tmp_path / "mail")
    receiver = receivers.Receiver(mailbox=mailbox, simulator=Simulator(pauses={"slow": 0.3}))
    with background.held(receivers.serving(receiver, tmp_path, 0)) as port:
        yield Sink(port=port, mailbox=mailbox)


@pytest.fixture
def client(sink: Sink) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", sink.port, local_hostname="out.postscale.test", timeout=10) as link:
        link.ehlo()
        yield link


def trusting(tmp_path: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
    context.check_hostname = False
    return context


def test_a_mail_is_kept_with_its_envelope(sink: Sink, client: smtplib.SMTP) -> None:
    client.sendmail("b-1@ps-bounces.acme.test", ["ann@inbox.test"], MAIL)
    (kept,) = sink.mailbox.newest_first()
    assert (kept.mail_from, kept.rcpt_to, kept.tls) == ("b-1@ps-bounces.acme.test", ("ann@inbox.test",), False)


def test_starttls_works_and_is_noted(sink: Sink, client: smtplib.SMTP, tmp_path: Path) -> None:
    client.starttls(context=trusting(tmp_path))
    client.sendmail("a@acme.test", ["ann@inbox.test"], MAIL)
    assert sink.mailbox.newest_first()[0].tls


def test_the_certificate_names_its_host_and_is_kept_for_the_owner_only(sink: Sink, tmp_path: Path) -> None:
    context = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
    with smtplib.SMTP("127.0.0.1", sink.port, timeout=5) as link:
        link.docmd("STARTTLS")
        assert link.sock is not None
        link.sock = context.wrap_socket(link.sock, server_hostname=receivers.HOST_NAME)
    assert (tmp_path / "certificate.pem").stat().st_mode & 0o777 == 0o600


def test_octets_are_kept_as_they_came_after_dot_unstuffing(sink: Sink, client: smtplib.SMTP) -> None:
    client.mail("a@acme.test", ["BODY=8BITMIME"])
    client.rcpt("ann@inbox.test")
    client.docmd("DATA")
    client.send(b"Subject: x\r\n\r\n..\r\n.. two\r\n\xff\xfe\x00 \rbare\n\r\n.\r\n")
    assert client.getreply()[0] == 250
    (kept,) = sink.mailbox.newest_first()
    found = sink.mailbox.find(kept.id)
    assert found is not None
    assert found[1] == b"Subject: x\r\n\r\n.\r\n. two\r\n\xff\xfe\x00 \rbare\n\r\n"


def test_the_null_reverse_path_is_an_empty_string(sink: Sink, client: smtplib.SMTP) -> None:
    client.sendmail("", ["ann@inbox.test"], MAIL)
    assert sink.mailbox.newest_first()[0].mail_from == ""


@pytest.mark.parametrize("address", ["ann@example.com", "ann", "ann@sub.inbox.test", "@inbox.test:x@y.test"])
def test_it_relays_for_nobody(client: smtplib.SMTP, address: str) -> None:
    client.mail("a@acme.test")
    code, _ = client.rcpt(address)
    assert code in (550, 553)


def test_one_refused_recipient_does_not_cost_the_other(sink: Sink, client: smtplib.SMTP) -> None:
    refused = client.sendmail("a@acme.test", ["bounce@simulator.test", "ann@inbox.test"], MAIL)
    assert refused["bounce@simulator.test"][0] == 550
    assert sink.mailbox.newest_first()[0].rcpt_to == ("ann@inbox.test",)


def test_greylist_accepts_the_second_try(sink: Sink, client: smtplib.SMTP) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail("a@acme.test", ["greylist@simulator.test"], MAIL)
    client.sendmail("a@acme.test", ["greylist@simulator.test"], MAIL)
    assert len(sink.mailbox.newest_first()) == 1


def test_slow_answers_the_final_dot_late(sink: Sink, client: smtplib.SMTP) -> None:
    begun = time.monotonic()
    client.sendmail("a@acme.test", ["slow@simulator.test"], MAIL)
    assert time.monotonic() - begun > 0.3


def test_an_mx_offers_no_auth_and_says_what_it_can(client: smtplib.SMTP, tmp_path: Path) -> None:
    client.starttls(context=trusting(tmp_path))
    client.ehlo()
    assert "auth" not in client.esmtp_features
    assert {"pipelining", "enhancedstatuscodes", "8bitmime", "smtputf8", "size"} <= set(client.esmtp_features)


def test_a_disconnect_anywhere_keeps_nothing_and_says_nothing(
    sink: Sink, client: smtplib.SMTP, capfd: pytest.CaptureFixture[str]
) -> None:
    script = [b"EHLO x\r\n", b"MAIL FROM:<a@acme.test>\r\n", b"RCPT TO:<ann@inbox.test>\r\n", b"DATA\r\n", MAIL + b"."]
    for cut in range(len(script) + 1):
        with socket.create_connection(("127.0.0.1", sink.port), timeout=5) as link:
            link.recv(512)
            for command in script[:cut]:
                link.sendall(command)
                link.recv(512) if not command.endswith(b".") else None
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.noop()
    assert not sink.mailbox.newest_first()
    assert capfd.readouterr().err == ""


def test_a_connection_that_is_open_at_the_end_is_hung_up_on(tmp_path: Path) -> None:
    receiver = receivers.Receiver(mailbox=Mailbox(tmp_path / "mail"))
    with background.held(receivers.serving(receiver, tmp_path, 0)) as port:
        link = smtplib.SMTP("127.0.0.1", port, timeout=5)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        link.noop()
    link.close()


def test_a_store_that_fails_is_a_451(sink: Sink, client: smtplib.SMTP, tmp_path: Path) -> None:
    (tmp_path / "mail").rmdir()
    with pytest.raises(smtplib.SMTPDataError) as refusal:
        client.sendmail("a@acme.test", ["ann@inbox.test"], MAIL)
    assert refusal.value.smtp_code == 451
    assert b"Errno" not in refusal.value.smtp_error


def test_mails_over_one_connection_do_not_wait_for_delayed_acknowledgements(sink: Sink, client: smtplib.SMTP) -> None:
    begun = time.monotonic()
    for _ in range(20):
        client.sendmail("a@acme.test", ["ann@inbox.test"], MAIL)
    assert time.monotonic() - begun < 0.8  # a delayed ACK in each would make it more
    assert len(sink.mailbox.newest_first()) == 20

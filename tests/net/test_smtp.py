"""The client against servers that behave, as the dialogs in tests/dialogs tell them to."""

import re

import pytest

from chalicelib.mail.envelope import Envelope
from chalicelib.mail.hosts import Server
from chalicelib.mail.reply import Answer, Stage
from chalicelib.net.smtp import Connection, Timeouts
from tests.net.conftest import Play
from tests.net.player import load

pytestmark = pytest.mark.sockets

ENVELOPE = Envelope(mail_from="b-token@ps-bounces.acme.test", rcpt_to="jane@inbox.test")
PATIENT = Timeouts()
MESSAGE = b"Subject: Your receipt\r\n\r\nThanks.\r\n"


def opened(server: Server, *, starttls: bool = True, timeouts: Timeouts = PATIENT) -> Connection:
    connection = Connection.open(server, ehlo_name="out.postscale.test", timeouts=timeouts, starttls=starttls)
    assert isinstance(connection, Connection), connection
    return connection


def not_opened(server: Server, *, timeouts: Timeouts = PATIENT) -> Answer:
    answer = Connection.open(server, ehlo_name="out.postscale.test", timeouts=timeouts)
    assert isinstance(answer, Answer)
    return answer


def code(answer: Answer) -> tuple[Stage, int | None, str | None]:
    reply = answer.reply
    return answer.stage, reply.code if reply else None, reply.enhanced if reply else None


def test_a_message_is_handed_over_step_by_step(play: Play) -> None:
    player = play("plain")
    connection = opened(player.server)
    answer = connection.deliver(ENVELOPE, MESSAGE)
    connection.close()
    assert code(answer) == (Stage.DOT, 250, "2.0.0")
    assert answer.reply
    assert answer.reply.text == "queued as 4F1A"
    assert answer.tls is None
    assert player.contents == [MESSAGE]


def test_with_pipelining_a_transaction_leaves_in_two_pieces_and_the_connection_takes_the_next(play: Play) -> None:
    player = play("pipelined")
    connection = opened(player.server)
    assert connection.usable
    answers = [connection.deliver(ENVELOPE, message) for message in (MESSAGE, b"To: x\r\n\r\n")]
    assert connection.usable
    connection.close()
    assert [code(answer)[:2] for answer in answers] == [(Stage.DOT, 250)] * 2
    commands = b"MAIL FROM:<%s> SIZE=%d\r\nRCPT TO:<%s>\r\nDATA\r\n"
    sender, recipient = ENVELOPE.mail_from.encode(), ENVELOPE.rcpt_to.encode()
    assert player.chunks[1:5] == [
        commands % (sender, len(MESSAGE), recipient),
        MESSAGE + b".\r\n",
        commands % (sender, 9, recipient),
        b"To: x\r\n\r\n.\r\n",
    ]


def test_addresses_and_content_beyond_ascii_are_announced_where_the_server_takes_them(play: Play) -> None:
    player = play("international")
    connection = opened(player.server)
    message = "Subject: ü\r\n\r\nGrüße\r\n".encode()
    answer = connection.deliver(Envelope(mail_from=ENVELOPE.mail_from, rcpt_to="jürgen@inbox.test"), message)
    connection.close()
    assert code(answer)[:2] == (Stage.DOT, 250)
    assert player.contents == [message]


def test_an_old_server_is_greeted_with_helo_and_offers_nothing(play: Play) -> None:
    player = play("helo")
    connection = opened(player.server)
    assert code(connection.deliver(ENVELOPE, MESSAGE))[:2] == (Stage.DOT, 250)
    connection.close()


def test_replies_of_many_lines_are_read_as_one_and_carry_no_control_characters(play: Play) -> None:
    connection = opened(play("multiline").server)
    answer = connection.deliver(ENVELOPE, MESSAGE)
    connection.close()
    assert answer.reply
    assert answer.reply.text == "queued as [2J 4F1A \ufffdü"


def test_tls_is_used_where_it_is_offered_and_what_was_said_in_clear_does_not_count(play: Play) -> None:
    player = play("starttls")
    connection = opened(player.server)
    answer = connection.deliver(ENVELOPE, MESSAGE)
    assert connection.usable
    connection.close()
    assert code(answer)[:2] == (Stage.DOT, 250)
    assert answer.tls == "TLSv1.3"
    assert player.sni == ["mx.inbox.test"]
    assert player.contents == [MESSAGE]


def test_an_answer_slipped_in_before_the_handshake_is_not_believed(play: Play) -> None:
    player = play("starttls-injected")
    connection = opened(player.server)
    answer = connection.deliver(ENVELOPE, MESSAGE)
    connection.close()
    assert code(answer)[:2] == (Stage.DOT, 250)
    assert answer.tls == "TLSv1.3"


def test_where_tls_is_refused_the_next_try_may_go_in_clear(play: Play) -> None:
    player = play("starttls-refused")
    assert code(not_opened(player.server)) == (Stage.STARTTLS, 454, "4.7.0")
    connection = opened(player.server, starttls=False)
    assert code(connection.deliver(ENVELOPE, MESSAGE))[:2] == (Stage.DOT, 250)
    connection.close()


def test_a_handshake_that_fails_is_told_with_its_stage(play: Play) -> None:
    player = play("starttls-garbage")
    answers = [not_opened(player.server, timeouts=Timeouts(command=0.3)) for _ in range(3)]
    assert [code(answer) for answer in answers] == [(Stage.STARTTLS, None, None)] * 3
    assert answers[0].error
    assert re.match("TLS: .*wrong version", answers[0].error)
    assert answers[1].error
    assert answers[2].error == "time-out"


def test_a_server_that_refuses_us_within_tls_has_refused_at_starttls(play: Play) -> None:
    answer = not_opened(play("starttls-ehlo-refused").server)
    assert code(answer) == (Stage.STARTTLS, 550, "5.7.1")
    assert answer.tls == "TLSv1.3"


def test_after_every_refusal_the_connection_takes_the_next_message(play: Play) -> None:
    player = play("refused-one-by-one")
    connection = opened(player.server)
    answers = []
    for _ in range(5):
        assert connection.usable
        answers.append(code(connection.deliver(ENVELOPE, MESSAGE)))
    connection.close()
    assert answers == [
        (Stage.MAIL, 550, "5.7.1"),
        (Stage.RCPT, 550, "5.1.1"),
        (Stage.DATA, 451, "4.3.2"),
        (Stage.DOT, 554, "5.6.0"),
        (Stage.DOT, 250, "2.0.0"),
    ]
    assert len(player.contents) == 2


def test_with_pipelining_too_and_content_that_nobody_wants_is_not_sent(play: Play) -> None:
    player = play("refused-pipelined")
    connection = opened(player.server)
    answers = []
    for _ in range(4):
        assert connection.usable
        answers.append(code(connection.deliver(ENVELOPE, MESSAGE)))
    connection.close()
    assert answers == [
        (Stage.RCPT, 550, "5.1.1"),
        (Stage.RCPT, 450, "4.2.0"),
        (Stage.MAIL, 550, "5.7.1"),
        (Stage.DOT, 250, "2.0.0"),
    ]
    assert player.contents == [b"", MESSAGE]


def test_a_recipient_is_never_sent_an_empty_message(play: Play) -> None:
    connection = opened(play("refused-sender-taken-recipient").server)
    assert code(connection.deliver(ENVELOPE, MESSAGE)) == (Stage.MAIL, 451, "4.1.8")
    assert not connection.usable
    connection.close()


def test_a_refused_rset_refuses_no_message(play: Play) -> None:
    connection = opened(play("reset-refused").server)
    connection.deliver(ENVELOPE, MESSAGE)
    answer = connection.deliver(ENVELOPE, MESSAGE)
    assert code(answer) == (Stage.MAIL, None, None)
    assert answer.error == "RSET: 500 5.5.1 never heard of it"
    assert not connection.usable


@pytest.mark.parametrize("steps", [("250 mx.inbox.test", "5.6.3"), ("250 SIZE 10", "5.3.4"), ("250 8BITMIME", "5.6.7")])
def test_what_the_server_cannot_take_is_not_even_tried(play: Play, steps: tuple[str, str]) -> None:
    offered, enhanced = steps
    dialog = [("S", "220 hi"), ("C", "EHLO *"), ("S-RAW", rf"250-mx.inbox.test\r\n{offered}\r\n"), ("C-END", "")]
    connection = opened(play([dialog]).server)
    to = Envelope(mail_from="", rcpt_to="jürgen@inbox.test" if enhanced == "5.6.7" else "jane@inbox.test")
    answer = connection.deliver(to, "Subject: x\r\n\r\nGrüße\r\n".encode())
    assert answer.stage is Stage.MAIL
    assert answer.reply
    assert answer.reply.enhanced == enhanced
    assert answer.error == answer.reply.text
    assert connection.usable
    connection.close()


@pytest.mark.parametrize(
    "message", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\n.\n\r\n", b"a\r\n\r.\r\n", b"\0\r\n", b"a\r\r\n", b"\r"]
)
def test_bare_line_ends_and_nul_never_leave(play: Play, message: bytes) -> None:
    player = play([[("S", "220 hi"), ("C", "EHLO *"), ("S", "250 hi"), ("C-END", "")]])
    connection = opened(player.server)
    with pytest.raises(ValueError, match="bare"):
        connection.deliver(ENVELOPE, message)
    assert connection.usable
    connection.close()


@pytest.mark.parametrize(
    "message", [b".\r\n", b"..\r\n.\r\n.a\r\n", b"\r\n.\r\n\r\n.\r\n", b".", b"a\r\n.", b"no end", b""]
)
def test_dots_arrive_as_they_were_written(play: Play, message: bytes) -> None:
    player = play("plain")
    connection = opened(player.server)
    assert code(connection.deliver(ENVELOPE, message))[:2] == (Stage.DOT, 250)
    connection.close()
    assert player.contents == [message if message.endswith(b"\r\n") or not message else message + b"\r\n"]


@pytest.mark.parametrize("dialog", ["plain", "starttls"])
def test_a_large_message_arrives_whole(play: Play, dialog: str) -> None:
    player = play(dialog)
    message = b".five\r\n" + b".lines that begin with a dot and go on for a while, as lines in mails do\r\n" * 70_000
    connection = opened(player.server)
    answer = connection.deliver(ENVELOPE, message)
    connection.close()
    assert code(answer)[:2] == (Stage.DOT, 250)
    assert player.contents == [message]


def test_an_ipv6_address_is_spoken_to(play: Play) -> None:
    try:
        player = play(load("plain"), address="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    connection = opened(player.server)
    assert code(connection.deliver(ENVELOPE, MESSAGE))[:2] == (Stage.DOT, 250)
    connection.close()


def test_a_name_is_never_resolved() -> None:
    with pytest.raises(ValueError, match="localhost"):
        Connection.open(Server(host="localhost", address="localhost"), ehlo_name="x", timeouts=Timeouts())


@pytest.mark.parametrize(
    "host", ["", ".", "..", "x" * 64 + ".test", "a." * 130, "münchen.test", "::1", "a b", "ñ" * 80]
)
def test_a_strange_host_name_does_not_keep_us_from_tls(play: Play, host: str) -> None:
    server = play("starttls").server
    connection = opened(Server(host=host, address=server.address, port=server.port))
    assert connection.deliver(ENVELOPE, MESSAGE).tls == "TLSv1.3"
    connection.close()

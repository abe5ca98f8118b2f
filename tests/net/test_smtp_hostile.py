"""The client against servers that hang up, stall, talk nonsense or never stop: never more than an answer."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.mail.hosts import Server
from chalicelib.mail.reply import Answer, Stage
from chalicelib.net.smtp import Connection, Timeouts
from tests.net.conftest import Play
from tests.net.player import Steps, load
from tests.net.test_smtp import ENVELOPE, MESSAGE, PATIENT, code, opened

pytestmark = pytest.mark.sockets

STAGES = (Stage.BANNER, Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT)


def attempt(server: Server, timeouts: Timeouts = PATIENT, message: bytes = MESSAGE) -> Answer:
    """One message over one connection, which must not be usable after what these servers do."""
    connection = Connection.open(server, ehlo_name="out.postscale.test", timeouts=timeouts)
    if isinstance(connection, Answer):
        return connection
    answer = connection.deliver(ENVELOPE, message)
    assert not connection.usable
    connection.close()
    return answer


def broken_at(stage: Stage, *fault: tuple[str, str]) -> list[Steps]:
    """The plain dialog, in which the server's turn at `stage` goes wrong."""
    steps = [step for step in load("plain")[0] if step[0] != "S-QUIET"]
    turns = [number for number, (verb, _) in enumerate(steps) if verb.startswith("S")]
    return [[*steps[: turns[STAGES.index(stage)]], *fault]]


@pytest.mark.parametrize("fault", ["S-DROP", "S-RESET"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_server_may_hang_up_at_any_time(play: Play, stage: Stage, fault: str) -> None:
    answer = attempt(play(broken_at(stage, ("S-WAIT", "0.01"), (fault, ""))).server)
    assert code(answer) == (stage, None, None)
    assert answer.error in ("the server hung up", "connection reset by peer")


def test_within_tls_it_may_hang_up_too(play: Play) -> None:
    steps = load("starttls")[0]
    answer = attempt(play([[*steps[: steps.index(("C-CONTENT", "")) + 1], ("S-DROP", "")]]).server)
    assert (code(answer), answer.error, answer.tls) == ((Stage.DOT, None, None), "the server hung up", "TLSv1.3")


@pytest.mark.parametrize("stage", STAGES)
def test_421_is_an_answer_and_the_end_at_any_time(play: Play, stage: Stage) -> None:
    answer = attempt(play(broken_at(stage, ("S", "421 4.3.2 shutting down"), ("S-DROP", ""))).server)
    assert code(answer) == (stage, 421, "4.3.2")
    assert answer.error is None


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    "nonsense",
    [
        r"\r\n",
        r"HTTP/1.1 400 Bad Request\r\n",
        r"250ok\r\n",
        r"\xb2\xb5\xb0 ok\r\n",
        r"100 continue\r\n",
        r"650 what\r\n",
        r"250-one\r\n550 two\r\n",
        r"250-one\r\nstray\r\n250 two\r\n",
    ],
)
def test_nonsense_is_no_reply(play: Play, stage: Stage, nonsense: str) -> None:
    answer = attempt(play(broken_at(stage, ("S-RAW", nonsense), ("C-END", ""))).server)
    assert code(answer) == (stage, None, None)
    assert answer.error
    assert answer.error.startswith("not an SMTP reply: b'")


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (Stage.BANNER, 250),
        (Stage.BANNER, 354),
        (Stage.EHLO, 220),
        (Stage.EHLO, 354),
        (Stage.MAIL, 354),
        (Stage.RCPT, 354),
        (Stage.DATA, 250),
        (Stage.DATA, 334),
        (Stage.DOT, 354),
    ],
)
def test_a_reply_that_is_out_of_place_ends_the_dialog(play: Play, stage: Stage, said: int) -> None:
    answer = attempt(play(broken_at(stage, ("S", f"{said} so I say"), ("C-END", ""))).server)
    assert code(answer) == (stage, said, None)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("endless", "error"), [("a", "a line without an end"), ("250-a\\r\\n", "a reply without an end")]
)
def test_endless_replies_are_cut_off(play: Play, stage: Stage, endless: str, error: str) -> None:
    answer = attempt(play(broken_at(stage, ("S-FLOOD", endless))).server)
    assert (code(answer), answer.error) == ((stage, None, None), error)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("fault", [("C-END", ""), ("S-DRIP", "250 " + "slowly " * 5)])
def test_silence_and_dripping_end_at_the_time_out(play: Play, stage: Stage, fault: tuple[str, str]) -> None:
    started = time.monotonic()
    answer = attempt(play(broken_at(stage, fault)).server, Timeouts(command=0.1, final=0.1))
    assert (code(answer), answer.error) == ((stage, None, None), "time-out")
    assert time.monotonic() - started < 5


def test_a_server_that_is_always_just_in_time_is_left_when_the_dialog_has_lasted_too_long(play: Play) -> None:
    dialog = [("S-DRIP", "220 a moment"), ("C", "EHLO *"), ("S-DRIP", "250 " + "slowly " * 20), ("C-END", "")]
    started = time.monotonic()
    answer = attempt(play([dialog]).server, Timeouts(command=10, dialog=0.5))
    assert (code(answer), answer.error) == ((Stage.EHLO, None, None), "time-out")
    assert 0.5 < time.monotonic() - started < 5


@pytest.mark.parametrize("takes", [("S-WAIT", "1"), ("C-SIPS", "1")])
def test_a_server_that_does_not_take_the_content_is_left_too(play: Play, takes: tuple[str, str]) -> None:
    steps = [step for step in broken_at(Stage.DOT, takes)[0] if step[0] != "C-CONTENT"]
    started = time.monotonic()
    answer = attempt(play([steps]).server, Timeouts(command=0.6, dialog=0.7), b"a" * 70 + b"\r\n" * 10_000_000)
    assert (code(answer), answer.error) == ((Stage.DATA, None, None), "time-out")
    assert time.monotonic() - started < 5


def test_an_unreachable_server_is_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answer = attempt(Server(host="mx.inbox.test", address="127.0.0.1", port=port))
    assert (code(answer), answer.error) == ((Stage.CONNECT, None, None), "connection refused")


def test_a_server_that_accepts_no_connection_costs_the_connect_time_out() -> None:
    with full_listener() as server:
        started = time.monotonic()
        answer = attempt(server, Timeouts(connect=0.2))
        assert (code(answer), answer.error) == ((Stage.CONNECT, None, None), "time-out")
        assert time.monotonic() - started < 5


@contextmanager
def full_listener() -> Iterator[Server]:
    """Its queue has no place left, so that Linux lets further handshakes hang."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            yield Server(host="mx.inbox.test", address="127.0.0.1", port=port)


def test_the_last_words_of_a_server_that_hangs_up_on_us_are_heard(play: Play) -> None:
    answer = attempt(play("hangs-up-in-content").server, message=b"a" * 70 + b"\r\n" * 10_000_000)
    assert code(answer) == (Stage.DATA, 552, "5.3.4")


def test_an_answer_that_comes_before_the_question_delivers_nothing(play: Play) -> None:
    answer = attempt(play("talks-ahead").server)
    assert answer.stage is Stage.DATA


def test_half_an_answer_that_comes_before_the_question_is_told_as_what_it_is(play: Play) -> None:
    answer = attempt(play(broken_at(Stage.DATA, ("S-RAW", r"354 go ahead\r\n25"), ("S-WAIT", "0.1"))).server)
    assert (code(answer), answer.error) == ((Stage.DATA, None, None), "the server spoke out of turn")


def test_a_connection_on_which_an_answer_is_left_over_is_not_used_again(play: Play) -> None:
    answer = attempt(play(broken_at(Stage.DOT, ("S-RAW", r"250 ok\r\n250 ok\r\n"), ("C-END", ""))).server)
    assert code(answer)[:2] == (Stage.DOT, 250)


def test_a_connection_that_the_server_has_left_is_not_used_again(play: Play) -> None:
    player = play("idle-timeout")
    connection = opened(player.server)
    assert code(connection.deliver(ENVELOPE, MESSAGE))[:2] == (Stage.DOT, 250)
    player.finish()
    assert not connection.usable
    assert code(connection.deliver(ENVELOPE, MESSAGE)) == (Stage.MAIL, 421, "4.4.2")
    assert connection.deliver(ENVELOPE, MESSAGE).error == "the link is closed"
    connection.close()


def test_a_connection_is_not_begun_on_again_when_its_time_is_nearly_over(play: Play) -> None:
    dialog = [("S", "220 hi"), ("C", "EHLO *"), ("S", "250 hi"), ("C-END", "")]
    connection = opened(play([dialog]).server, timeouts=Timeouts(command=10, dialog=5))
    assert not connection.usable
    connection.close()


PIECES = (b"220 ", b"220-", b"250 ", b"250-", b"354 ", b"421 ", b"550 5.1.1 ", b"\r\n", b"\n", b"\r", b"\0\xff")
WORDS = (b"STARTTLS", b"PIPELINING", b"SIZE 5", b"SIZE 99999999999999999999999", b"8BITMIME", b"no such user")
SPOKEN = st.lists(st.sampled_from(PIECES + WORDS), max_size=6).map(b"".join) | st.binary(max_size=40)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        SPOKEN | st.sampled_from((b"220 a\r\n", b"250-a\r\n250 PIPELINING\r\n", b"354 a\r\n", b"250 a\r\n")), max_size=9
    )
)
def test_whatever_a_server_says_it_gets_an_answer_and_never_an_exception(spoken: list[bytes]) -> None:
    with talking(spoken) as server:
        answer = Connection.open(server, ehlo_name="out.postscale.test", timeouts=Timeouts(command=2))
        if isinstance(answer, Connection):
            connection, answer = answer, answer.deliver(ENVELOPE, MESSAGE)
            connection.close()
        assert answer.reply or answer.error


@contextmanager
def talking(spoken: Sequence[bytes]) -> Iterator[Server]:
    """Says one of the texts whenever it hears something, and hangs up after the last."""

    def converse() -> None:
        link, _ = listener.accept()
        with link:
            link.settimeout(0.02)
            for number, text in enumerate(spoken):
                with suppress(OSError):
                    link.sendall(text)
                    link.recv(65_536 if number + 1 < len(spoken) else 0)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=converse)
        thread.start()
        yield Server(host="mx.inbox.test", address="127.0.0.1", port=listener.getsockname()[1])
        thread.join()

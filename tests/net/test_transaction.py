import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.mail.envelope import Envelope
from chalicelib.net import transaction
from chalicelib.net.transaction import Offer

LINES = st.lists(st.binary(max_size=8) | st.sampled_from([b".", b"..", b".a", b""]), max_size=30)
EVERYTHING = Offer(keywords=frozenset({"SIZE", "8BITMIME", "SMTPUTF8", "PIPELINING"}))


def received(wire: bytes) -> bytes:
    """What RFC 5321 §4.5.2 has a receiver do: line by line, up to the first that is a lone dot."""
    message = b""
    lines = wire.split(b"\r\n")
    for number, line in enumerate(lines):
        if line == b".":
            assert lines[number + 1 :] == [b""], "something follows the end"
            return message
        message += line.removeprefix(b".") + b"\r\n"
    raise AssertionError("the content has no end")


@given(LINES.map(lambda lines: b"".join(line.translate(None, b"\r\n\0") + b"\r\n" for line in lines)))
def test_a_receiver_reads_the_message_that_was_written(message: bytes) -> None:
    assert received(transaction.content(message)) == message


@given(st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"\0", b"a"]), max_size=12).map(b"".join))
def test_what_leaves_has_one_end_and_no_bare_line_end_whatever_the_message(message: bytes) -> None:
    rest = message.replace(b"\r\n", b"")
    if b"\r" in rest or b"\n" in rest or b"\0" in rest:
        with pytest.raises(ValueError, match="bare"):
            transaction.content(message)
    else:
        assert received(transaction.content(message)).removesuffix(b"\r\n") == message.removesuffix(b"\r\n")


@pytest.mark.parametrize("piece", [b"\r\n.", b".\r\n", b"\r\n", b"a" * 76 + b"\r\n"])
def test_a_large_message_of_any_shape_is_stuffed_whole(piece: bytes) -> None:
    message = piece * (100_000 // len(piece)) + b"\r\n"
    assert received(transaction.content(message)) == message


def test_commands_say_only_what_the_server_offered() -> None:
    envelope = Envelope(mail_from="", rcpt_to='"a b>"@inbox.test')
    mail, rcpt, data = transaction.commands(envelope, b"ab\r\n", Offer())
    assert (mail[1], rcpt[1], data[1]) == (b"MAIL FROM:<>\r\n", b'RCPT TO:<"a b>"@inbox.test>\r\n', b"DATA\r\n")
    assert transaction.commands(envelope, b"ab\r\n", EVERYTHING)[0][1] == b"MAIL FROM:<> SIZE=4\r\n"


@pytest.mark.parametrize(
    "address",
    [
        "a@b.test\r\nRSET",
        "a@b.test\n",
        "a\0@b.test",
        "a@b.test> SIZE=1",
        "a b@c.test",
        "<a@b.test",
        '"a@b.test',
        "a\u2028@b.test",
        '"\\\r"@b.test',
        "\ud800@b.test",
    ],
)
def test_an_address_cannot_end_its_command(address: str) -> None:
    for envelope in (Envelope(mail_from=address, rcpt_to="a@b.test"), Envelope(mail_from="", rcpt_to=address)):
        with pytest.raises(ValueError, match=r"not an address|surrogates"):
            transaction.commands(envelope, b"", Offer())


@pytest.mark.parametrize(
    ("lines", "keywords", "size"),
    [
        (["250 mx.test"], set(), None),
        (["250-mx.test PIPELINING", "250 HELP"], {"HELP"}, None),
        (["250-mx.test", "250-size 1000", "250 Pipelining"], {"SIZE", "PIPELINING"}, 1000),
        (["250-mx.test", "250-SIZE 0", "250 AUTH PLAIN LOGIN"], {"SIZE", "AUTH"}, None),
        (["250-mx.test", "250-SIZE", "250 "], {"SIZE"}, None),
        (["250-mx.test", "250 SIZE -1"], {"SIZE"}, None),
        (["250-mx.test", "250 SIZE ٣"], {"SIZE"}, None),
        (["250-mx.test", "250 SIZE 1 2"], {"SIZE"}, None),
        (["250-mx.test", "250 SIZE " + "9" * 1_990], {"SIZE"}, None),
    ],
)
def test_what_a_server_offers_is_read_from_its_answer(lines: list[str], keywords: set[str], size: int | None) -> None:
    assert transaction.offer(lines) == Offer(keywords=frozenset(keywords), size=size)


@pytest.mark.parametrize(
    ("recipient", "message", "offer", "enhanced"),
    [
        ("jane@inbox.test", b"ascii\r\n", Offer(), None),
        ("jane@inbox.test", b"ascii\r\n", Offer(size=7), None),
        ("jane@inbox.test", b"ascii\r\n", Offer(size=6), "5.3.4"),
        ("jane@inbox.test", b"A: b\r\n\r\n\xfc\r\n", Offer(), "5.6.3"),
        ("jane@inbox.test", b"A: b\r\n\r\n\xfc\r\n", EVERYTHING, None),
        ("jane@inbox.test", b"To: \xfc@b.test\r\n\r\nascii\r\n", Offer(), "5.6.7"),
        ("jane@inbox.test", b"To: \xfc@b.test\r\n\r\nascii\r\n", EVERYTHING, None),
        ("jürgen@inbox.test", b"ascii\r\n", Offer(), "5.6.7"),
        ("jürgen@inbox.test", b"ascii\r\n", EVERYTHING, None),
    ],
)
def test_what_the_server_cannot_take_is_refused_in_its_place(
    recipient: str, message: bytes, offer: Offer, enhanced: str | None
) -> None:
    answer = transaction.refusal(Envelope(mail_from="", rcpt_to=recipient), message, offer)
    assert (answer and answer.reply and answer.reply.enhanced) == enhanced
    assert answer is None or (answer.error and answer.reply and answer.reply.code >= 550)

"""What is said to a server to hand over one message (RFC 5321 §3.3), and what the server must offer for it. Pure.

Extensions: SIZE is RFC 1870, 8BITMIME RFC 6152, SMTPUTF8 RFC 6531.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.mail.envelope import Envelope
from chalicelib.mail.reply import Answer, Reply, Stage

END = b".\r\n"
"""What ends the content when the line before it has ended."""

_SIZE = re.compile(r"0*[1-9][0-9]{0,19}")
_PATH = re.compile(
    r"""(?: [^\s<>"\\\x00-\x1f\x7f] | "(?: [^"\\\x00-\x1f\x7f] | \\[^\x00-\x1f\x7f] )*" )*""", re.VERBOSE
)
"""Nothing here can end a path or a command early; whether it is an address was decided long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A server's answer to EHLO: keywords in capitals, and the octets it takes at most if it says so."""

    keywords: frozenset[str] = frozenset()
    size: int | None = None


def offer(lines: Sequence[str]) -> Offer:
    """From the lines of the reply to EHLO (RFC 5321 §4.1.1.1); SIZE 0, or one that is no number, is no limit."""
    words = [line[4:].upper().split() for line in lines[1:]]
    extensions = {line[0]: " ".join(line[1:]) for line in words if line}
    size = extensions.get("SIZE", "")
    return Offer(keywords=frozenset(extensions), size=int(size) if _SIZE.fullmatch(size) else None)


def refusal(envelope: Envelope, message: bytes, offered: Offer) -> Answer | None:
    """Our own answer where the server lacks what the message needs: both `reply` and `error` are set."""
    if offered.size is not None and len(message) > offered.size:
        reason = f"the message has {len(message)} octets, the recipient's server takes {offered.size}"
        return _refused(552, "5.3.4", reason)
    if _international(envelope, message) and "SMTPUTF8" not in offered.keywords:
        return _refused(553, "5.6.7", "recipient's server does not take internationalised addresses")
    if not message.isascii() and "8BITMIME" not in offered.keywords:
        return _refused(554, "5.6.3", "recipient's server does not take 8-bit content")
    return None


def commands(envelope: Envelope, message: bytes, offered: Offer) -> tuple[tuple[Stage, bytes], ...]:
    """MAIL, RCPT and DATA; ValueError for an address that would end its command early."""
    parameters = {
        f"SIZE={len(message)}": "SIZE" in offered.keywords,
        "BODY=8BITMIME": not message.isascii(),
        "SMTPUTF8": _international(envelope, message),
    }
    options = "".join(f" {parameter}" for parameter, wanted in parameters.items() if wanted)
    return (
        (Stage.MAIL, f"MAIL FROM:<{_path(envelope.mail_from)}>{options}\r\n".encode()),
        (Stage.RCPT, f"RCPT TO:<{_path(envelope.rcpt_to)}>\r\n".encode()),
        (Stage.DATA, b"DATA\r\n"),
    )


def content(message: bytes) -> bytes:
    """The message with doubled dots (RFC 5321 §4.5.2) and its end; ValueError for bare CR or LF, or NUL.

    A receiver that takes a bare CR or LF for a line end would see the end of the content, and commands
    after it, where we see text.
    """
    ends = message.count(b"\r\n")
    if message.count(b"\r") != ends or message.count(b"\n") != ends or b"\0" in message:
        raise ValueError("the message has a bare CR, a bare LF or a NUL")
    first = b"." if message.startswith(b".") else b""
    last = b"" if not message or message.endswith(b"\r\n") else b"\r\n"
    return b"".join((first, message.replace(b"\r\n.", b"\r\n.."), last, END))


def _refused(code: int, enhanced: str, reason: str) -> Answer:
    return Answer(stage=Stage.MAIL, reply=Reply(code=code, enhanced=enhanced, text=reason), error=reason)


def _international(envelope: Envelope, message: bytes) -> bool:
    """An address in the envelope, or the header itself, is not ASCII (RFC 6531 §3.4)."""
    header, _, _ = message.partition(b"\r\n\r\n")
    return not (envelope.mail_from.isascii() and envelope.rcpt_to.isascii() and header.isascii())


def _path(address: str) -> str:
    if not _PATH.fullmatch(address):
        raise ValueError("not an address that can be said in a command")
    return address

"""SMTP replies (RFC 5321 §4.2) with enhanced status codes (RFC 3463, RFC 2034), read and held as values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum, unique

_FIRST_LINE = re.compile(r"[2-5][0-9][0-9](?:[ -].*)?", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[ \t]+|\Z)")


@unique
class Stage(StrEnum):
    """How far a dialog had come when it was answered, or when it broke off."""

    CONNECT = "connect"
    """Opening the TCP connection."""
    BANNER = "banner"
    """Waiting for the server's greeting."""
    EHLO = "ehlo"
    STARTTLS = "starttls"
    """STARTTLS itself, the TLS handshake, and the EHLO after it."""
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    """The DATA command, and the content up to but without the final dot."""
    DOT = "dot"
    """The final dot has left. A link that drops now leaves us not knowing (RFC 1047)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """`code` 200 to 599; `enhanced` such as "5.1.1" or None; `text` without either, lines joined by a space."""

    code: int
    enhanced: str | None
    text: str

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Where one attempt ended and what the server said there; `reply` is None when it said nothing more.

    `error` names in a few words what broke off (time-out, reset, garbage), for people. `tls` is the
    protocol version of the session ("TLSv1.3"), None in clear.
    """

    stage: Stage
    reply: Reply | None
    error: str | None = None
    tls: str | None = None


def parse(lines: Sequence[str]) -> Reply:
    """Read the lines of one reply, without their line ends; ValueError when they are none.

    Continuation lines keep only their text; an enhanced code is taken from the first line and dropped
    where the others repeat it (RFC 2034 §4).
    """
    if not lines or not _FIRST_LINE.fullmatch(lines[0]):
        raise ValueError("not an SMTP reply")
    texts = [line[4:] for line in lines]
    match = _ENHANCED.match(texts[0])
    enhanced = match[1] if match and match[1][0] == lines[0][0] else None
    if enhanced:
        texts = [_without(enhanced, text) for text in texts]
    return Reply(code=int(lines[0][:3]), enhanced=enhanced, text=" ".join(text for text in texts if text))


def _without(enhanced: str, text: str) -> str:
    match = _ENHANCED.match(text)
    return text[match.end() :] if match and match[1] == enhanced else text

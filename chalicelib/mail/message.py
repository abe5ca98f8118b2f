"""Composing a message (RFC 5322, MIME: RFC 2045, 2046, 2047; RFC 6532 where an address needs it).

Promises: CRLF and nothing else ends a line; no line is over 998 octets, and header lines are folded at
78 wherever there is a place to fold; the output is 7-bit ASCII, apart from a non-ASCII local part in
From or To; no control character but TAB gets out; the same content gives the same octets, so that a
retry repeats itself. Nothing that a customer writes can become a header field, or be read as an encoded
word that he did not mean. Written here because the standard library's serialiser lets both happen.
"""

import base64
import binascii
import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.errors import Invalid
from chalicelib.mail.address import UNSAFE, Address

MAX_HEADER_OCTETS = 102_400
"""What Postfix takes by default; verifying a signature over more has been quadratic elsewhere."""

_FOLD_AT = 78
_LONGEST_LINE = 998

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_MESSAGE_ID = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_ATOM}(?:\.{_ATOM})*")
_WORDS = re.compile(r"[!-~]{1,77}(?: [!-~]{1,77})*")
_ATOMS = re.compile(rf"{_ATOM}(?: {_ATOM})*")
_NOT_7BIT = re.compile(rb"[^\t\n -~]")

# RFC 2047 §5 (3): what is safe in a phrase is safe anywhere.
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q = [b"%c" % octet if octet in _Q_SAFE else b"=%02X" % octet for octet in range(256)]
_Q[ord(" ")] = b"_"

# `Subject: =?utf-8?q??=` is 21 octets, and a line with an encoded word has at most 76 (RFC 2047 §2).
_Q_ROOM = 55
_B_ROOM = 39


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """`message_id` without its angle brackets; `date` with a time zone; at least one of `text` and `html`."""

    sender: Address
    to: tuple[Address, ...]
    subject: str
    text: str | None
    html: str | None
    message_id: str
    date: datetime


def compose(content: Content) -> bytes:
    """The complete message; Invalid names the field that has to change."""
    _check(content)
    header = b"".join(
        (
            fold("Date", _date(content.date).split()),
            fold("From", _mailboxes([content.sender])),
            fold("To", _mailboxes(content.to)),
            fold("Subject", _unstructured(content.subject)),
            fold("Message-ID", [f"<{content.message_id}>".encode()]),
            b"MIME-Version: 1.0\r\n",
        )
    )
    if len(header) > MAX_HEADER_OCTETS:
        raise Invalid(f"The header is over {MAX_HEADER_OCTETS} octets: shorten the subject or the names.")
    return header + _entity(content)


def fold(name: str, words: Iterable[bytes]) -> bytes:
    """One header field: a space before each word, and lines of at most 78 octets where the words are that short."""
    lines = [f"{name}:".encode("ascii")]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > _FOLD_AT:
            lines.append(b"")
        lines[-1] += b" " + word
    return b"\r\n".join(lines) + b"\r\n"


def _check(content: Content) -> None:
    if len(content.subject) > MAX_HEADER_OCTETS:
        raise Invalid("subject is far too long: shorten it.", field="subject")
    if UNSAFE.search(content.subject):
        raise Invalid("subject contains a line break or a control character: remove it.", field="subject")
    if not content.to:
        raise Invalid("to is empty: name at least one recipient.", field="to")
    if content.text is None and content.html is None:
        raise Invalid("There is no content: give text_body, html_body or both.", field="text_body")
    if not _MESSAGE_ID.fullmatch(content.message_id) or len(content.message_id) > 250:
        raise Invalid("message_id is not of the form token@domain.", field="message_id")


def _date(moment: datetime) -> bytes:
    """RFC 5322 §3.3 in UTC; not strftime, whose names depend on the locale."""
    if moment.tzinfo is None:
        raise ValueError("a date without a time zone")
    utc = moment.astimezone(UTC)
    month = _MONTHS[utc.month - 1]
    return f"{_DAYS[utc.weekday()]}, {utc.day} {month} {utc.year:04} {utc:%H:%M:%S} +0000".encode("ascii")


def _mailboxes(addresses: Sequence[Address]) -> Iterator[bytes]:
    for left, address in zip(reversed(range(len(addresses))), addresses, strict=True):
        yield from _phrase(address.name)
        mailbox = f"<{address.addr_spec}>" if address.name else address.addr_spec
        yield mailbox.encode() + (b"," if left else b"")


def _phrase(name: str) -> Iterable[bytes]:
    if not _WORDS.fullmatch(name) or "=?" in name:
        return _encoded_words(name) if name else ()
    if _ATOMS.fullmatch(name):
        return name.encode("ascii").split()
    quoted = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return [quoted.encode("ascii")] if len(quoted) <= _Q_ROOM else _encoded_words(name)


def _unstructured(text: str) -> Iterable[bytes]:
    """As it stands when a reader would see just that; otherwise, or when it could not be folded, encoded."""
    if _WORDS.fullmatch(text) and "=?" not in text:
        return text.encode("ascii").split()
    return _encoded_words(text) if text else ()


def _encoded_words(text: str) -> Iterable[bytes]:
    """RFC 2047: the whole text as encoded words, whole characters in each, in the shorter of the two encodings."""
    characters = [character.encode() for character in text]
    quoted = [b"".join(_Q[octet] for octet in character) for character in characters]
    if sum(map(len, quoted)) * 3 <= sum(map(len, characters)) * 4:
        return (b"=?utf-8?q?" + chunk + b"?=" for chunk in _chunks(quoted, _Q_ROOM))
    return (b"=?utf-8?b?" + base64.b64encode(chunk) + b"?=" for chunk in _chunks(characters, _B_ROOM))


def _chunks(units: Iterable[bytes], room: int) -> Iterator[bytes]:
    chunk = b""
    for unit in units:
        if len(chunk) + len(unit) > room:
            yield chunk
            chunk = b""
        chunk += unit
    yield chunk


def _entity(content: Content) -> bytes:
    """What follows the message's own fields: one part, or both, the plainer one first (RFC 2046 §5.1.4)."""
    bodies = {"plain": ("text_body", content.text), "html": ("html_body", content.html)}
    parts = [_part(subtype, field, text) for subtype, (field, text) in bodies.items() if text is not None]
    if len(parts) == 1:
        return parts[0]
    boundary = _boundary(content.message_id, parts)
    opened = b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts)
    start = b'Content-Type: multipart/alternative;\r\n boundary="%b"\r\n\r\n' % boundary
    return start + opened + b"--%b--\r\n" % boundary


def _boundary(message_id: str, parts: Sequence[bytes]) -> bytes:
    """Neither quoted-printable nor base64 can contain `=_`; a 7bit part could, and is looked at."""
    for count in itertools.count():
        seed = f"{message_id} {count}".encode()
        candidate = b"=_" + hashlib.sha256(seed).hexdigest()[:32].encode("ascii")
        if not any(candidate in part for part in parts):
            break
    return candidate


def _part(subtype: str, field: str, text: str) -> bytes:
    """A text with each of its lines ended by CRLF, the last one too."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if lines and not lines.endswith("\n"):
        lines += "\n"
    try:
        encoding, body = _transfer_encoded(lines.encode())
    except UnicodeEncodeError as error:
        raise Invalid(f"{field} contains half a character (a lone surrogate): remove it.", field=field) from error
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode("ascii") + body.replace(b"\n", b"\r\n")


def _transfer_encoded(body: bytes) -> tuple[str, bytes]:
    """The encoding's name and the encoded octets, from and to lines that end in LF."""
    if not _NOT_7BIT.search(body) and max(map(len, body.split(b"\n"))) <= _LONGEST_LINE:
        return "7bit", body
    quoted = binascii.b2a_qp(body, istext=True)
    encoded = base64.encodebytes(body.replace(b"\n", b"\r\n"))
    return ("quoted-printable", quoted) if len(quoted) <= len(encoded) else ("base64", encoded)

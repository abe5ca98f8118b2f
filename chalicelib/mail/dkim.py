"""Signing with DKIM (RFC 6376; RFC 8301 for what is still strong): rsa-sha256, relaxed/relaxed.

The fields that decide what a reader sees are named once more than they occur (RFC 6376 §8.15): adding
another one breaks the signature. No `l=`: nothing can be appended either. Linear in the message's size.
"""

import base64
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from chalicelib.mail.message import fold

_ONCE_MORE = (
    "From",
    "Reply-To",
    "Sender",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
)
_AS_OFTEN_AS_PRESENT = (
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "Feedback-ID",
    "List-Id",
    "List-Help",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Subscribe",
    "List-Post",
    "List-Owner",
    "List-Archive",
    "X-PS-ID",
)
_EXTRA = dict.fromkeys(_ONCE_MORE, 1) | dict.fromkeys(_AS_OFTEN_AS_PRESENT, 0)

_FIELD_END = re.compile(rb"\r\n(?![ \t])")
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_SIGNATURE_LINE = 70
_CHUNK = 65_536

_PADDING = padding.PKCS1v15()
_HASH = hashes.SHA256()

_Fields = Mapping[bytes, Sequence[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key, ready for use, and where its public half is published."""

    domain: str
    selector: str
    private_key: rsa.RSAPrivateKey = field(repr=False)

    @classmethod
    def load(cls, domain: str, selector: str, private_der: bytes) -> Self:
        return cls(domain=domain, selector=selector, private_key=_load(private_der))


def generate_private_key() -> bytes:
    """A fresh RSA-2048 key as PKCS #8 in DER."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_record(private_der: bytes) -> str:
    """The public half as `p=` wants it: SubjectPublicKeyInfo in base64."""
    public = _load(private_der).public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode("ascii")


def dns_value(public: str) -> str:
    """The text of the TXT record at `<selector>._domainkey.<domain>`; over 255 octets, so it takes two strings."""
    return f"v=DKIM1; k=rsa; p={public}"


def sign(message: bytes, key: SigningKey, *, at: datetime) -> bytes:
    """The DKIM-Signature field, to be put in front of the message.

    ValueError for what has no one reading: a bare CR or LF, a line that is no header field, no From.
    """
    if at.tzinfo is None:
        raise ValueError("a signing time without a time zone")
    _refuse_bare_line_ends(message)
    header, blank, _ = message.partition(b"\r\n\r\n")
    fields = _fields(header.removesuffix(b"\r\n"))
    tags = _tags(key, at, _names(fields), _body_hash(message, len(header) + len(blank)))
    # RFC 6376 §3.7: the signed fields, then this one with an empty b= and without its CRLF.
    signed = b"".join(_signed(fields)) + b"dkim-signature:" + b" ".join(tags)
    signature = base64.b64encode(key.private_key.sign(signed, _PADDING, _HASH))
    lines = [signature[i : i + _SIGNATURE_LINE] for i in range(0, len(signature), _SIGNATURE_LINE)]
    return fold("DKIM-Signature", [*tags[:-1], tags[-1] + lines[0], *lines[1:]])


def _load(private_der: bytes) -> rsa.RSAPrivateKey:
    # Our own key, made by generate_private_key: checking its primes again would cost a hundred signatures.
    key = serialization.load_der_private_key(private_der, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < 1024:
        raise ValueError("not an RSA key of at least 1024 bits (RFC 8301 §3.2)")
    return key


def _refuse_bare_line_ends(message: bytes) -> None:
    # This decoder remembers which line ends it saw: one pass, five times faster than counting CR, LF and CRLF.
    reader = io.IncrementalNewlineDecoder(None, translate=False)
    for start in range(0, len(message), _CHUNK):
        reader.decode(message[start : start + _CHUNK].decode("latin-1"))
    reader.decode("", final=True)
    if reader.newlines not in (None, "\r\n"):
        raise ValueError("a bare CR or LF: normalise the line ends before signing")


def _fields(header: bytes) -> _Fields:
    """The values by lower-case name, from top to bottom."""
    fields: dict[bytes, list[bytes]] = {}
    for text in _FIELD_END.split(header):
        match = _FIELD.fullmatch(text)
        if not match:
            raise ValueError("a line in the header that is no header field")
        fields.setdefault(match[1].lower(), []).append(match[2])
    if b"from" not in fields:
        raise ValueError("a message without From cannot be signed (RFC 6376 §5.4)")
    return fields


def _names(fields: _Fields) -> list[str]:
    return [name for name, extra in _EXTRA.items() for _ in range(_count(fields, name) + extra)]


def _count(fields: _Fields, name: str) -> int:
    return len(fields.get(name.lower().encode("ascii"), ()))


def _signed(fields: _Fields) -> Iterator[bytes]:
    """Canonical fields in the order of `h=`, of each name the lowest first (RFC 6376 §5.4.2)."""
    for name in _EXTRA:
        key = name.lower().encode("ascii")
        for value in reversed(fields.get(key, ())):
            yield b"%b:%b\r\n" % (key, _squeezed(value.replace(b"\r\n", b"")).strip(b" "))


def _tags(key: SigningKey, at: datetime, names: Sequence[str], body_hash: bytes) -> list[bytes]:
    text = (
        f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={key.domain}; s={key.selector}; t={int(at.timestamp())}; "
        f"h={': '.join(names)}; bh={base64.b64encode(body_hash).decode('ascii')}; b="
    )
    return text.encode("ascii").split()


def _body_hash(message: bytes, start: int) -> bytes:
    """SHA-256 of the relaxed body (RFC 6376 §3.4.4); a last line without CRLF gets one, as SMTP will give it one."""
    digest, empty = hashlib.sha256(), True
    line_ends = 0  # hashed only when text follows: empty lines at the end do not count
    for lines in _in_chunks(message, start):
        relaxed = _relaxed(lines)
        if text := relaxed.rstrip(b" \r\n"):
            digest.update(b"\r\n" * line_ends)
            digest.update(text)
            line_ends, empty = 0, False
        line_ends += relaxed.count(b"\n", len(text))
    if not empty:
        digest.update(b"\r\n")
    return digest.digest()


def _in_chunks(message: bytes, start: int) -> Iterator[bytes]:
    """Whole lines, about 64 KB at a time: what stays in the processor's cache is read several times faster."""
    while start < len(message):
        line_end = message.find(b"\r\n", start + _CHUNK)
        end = len(message) if line_end < 0 else line_end + 2
        yield message[start:end]
        start = end


def _relaxed(lines: bytes) -> bytes:
    if b" " not in lines and b"\t" not in lines:  # base64, most of a large message
        return lines
    return _squeezed(lines).replace(b" \r\n", b"\r\n")


def _squeezed(text: bytes) -> bytes:
    """Each run of white space as one space, by halving: a run of a million takes twenty steps, not a million."""
    text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text

"""Signed tokens that say by themselves which delivery they belong to, in 56 letters and digits.

    key id 5 bits | account 40 | message 128 | recipient 7 | MAC 96 | zero 4      base32 (RFC 4648), lower case

The MAC is HMAC-SHA256 cut to 96 bits (RFC 2104 §5), over what the token is for, the domain and the
payload: a token made for one purpose or domain is worth nothing for another. Mail systems may change
the case of a local part on the way, so case does not matter. Reading needs no database and never raises.
"""

import base64
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Self
from uuid import UUID

_ACCOUNT = re.compile(r"[a-z2-7]{8}")
_TOKEN = re.compile(r"[A-Za-z2-7]{56}")
_KEY_ID = re.compile(r"[0-9]|[12][0-9]|3[01]")
_MAX_RECIPIENT = 127
_PAYLOAD_OCTETS = 23  # 180 bits
_MAC_OCTETS = 12
_OCTETS = 35
_MIN_KEY_OCTETS = 32


@unique
class Purpose(StrEnum):
    RETURN_PATH = "return-path"
    """The local part of MAIL FROM: bounces come back to it."""
    COMPLAINT = "x-ps-id"
    """The header field that a complaint quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One delivery: `account` is 8 base32 characters, `recipient` its number among those of the message."""

    account: str
    email_id: UUID
    recipient: int

    def __post_init__(self) -> None:
        if not _ACCOUNT.fullmatch(self.account):
            raise ValueError("an account id is 8 lower-case base32 characters")
        if not 0 <= self.recipient <= _MAX_RECIPIENT:
            raise ValueError(f"a recipient's number is 0 to {_MAX_RECIPIENT}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """The keys that are valid; `current` seals, and any of them unseals, so that keys can be changed."""

    current: int
    keys: Mapping[int, bytes] = field(repr=False)

    @classmethod
    def parse(cls, secret_json: str) -> Self:
        """Read `{"current": "1", "1": "<random text>"}`; ValueError, without the secret in it, when unusable."""
        try:
            secret = json.loads(secret_json)
        except ValueError:
            raise ValueError("the token secret is not JSON") from None
        if not isinstance(secret, dict):
            raise ValueError("the token secret is not a JSON object")
        keys = {_key_id(name): _key(value) for name, value in secret.items() if name != "current"}
        current = _key_id(secret.get("current"))
        if current not in keys:
            raise ValueError("the token secret lacks its current key")
        return cls(current=current, keys=keys)


def seal(token: Token, purpose: Purpose, domain: str, keyring: Keyring) -> str:
    account = int.from_bytes(base64.b32decode(token.account.upper()))
    payload = keyring.current << 175 | account << 135 | token.email_id.int << 7 | token.recipient
    mac = _mac(payload, purpose, domain, keyring.keys[keyring.current])
    sealed = payload << 100 | int.from_bytes(mac) << 4
    return base64.b32encode(sealed.to_bytes(_OCTETS)).decode("ascii").lower()


def unseal(text: str, purpose: Purpose, domain: str, keyring: Keyring) -> Token | None:
    """None for what we did not seal for this purpose and domain, whatever it is."""
    if not _TOKEN.fullmatch(text) or not domain.isascii():
        return None
    sealed = int.from_bytes(base64.b32decode(text.upper()))
    payload = sealed >> 100
    key = keyring.keys.get(payload >> 175)
    if key is None or sealed & 0xF:
        return None
    mac = (sealed >> 4 & (1 << 96) - 1).to_bytes(_MAC_OCTETS)
    return _token(payload) if hmac.compare_digest(mac, _mac(payload, purpose, domain, key)) else None


def _token(payload: int) -> Token:
    account = base64.b32encode((payload >> 135 & (1 << 40) - 1).to_bytes(5)).decode("ascii").lower()
    return Token(account=account, email_id=UUID(int=payload >> 7 & (1 << 128) - 1), recipient=payload & _MAX_RECIPIENT)


def _mac(payload: int, purpose: Purpose, domain: str, key: bytes) -> bytes:
    # Each text after its length: no two different triples give the same octets.
    texts = (purpose.encode("ascii"), domain.lower().encode("ascii"))
    framed = b"".join(len(text).to_bytes(4) + text for text in texts) + payload.to_bytes(_PAYLOAD_OCTETS)
    return hmac.digest(key, framed, "sha256")[:_MAC_OCTETS]


def _key_id(name: object) -> int:
    if not isinstance(name, str) or not _KEY_ID.fullmatch(name):
        raise ValueError('a key id of the token secret is one of "0" to "31"')
    return int(name)


def _key(value: object) -> bytes:
    # Lone surrogates pass: the UnicodeEncodeError would carry the secret.
    octets = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else b""
    if len(octets) < _MIN_KEY_OCTETS:
        raise ValueError(f"a key of the token secret is at least {_MIN_KEY_OCTETS} octets of text")
    return octets

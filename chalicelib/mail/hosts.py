"""The hosts that take a domain's mail, as the DNS tells of them (RFC 5321 §5.1, RFC 7505). Values only."""

from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class Failure(StrEnum):
    """Why there is no answer. A name that has no such record is not one of them: that answer is empty."""

    NO_SUCH_NAME = "no such name"
    """NXDOMAIN, or a name that cannot exist."""
    TRY_AGAIN = "no answer for now"
    """Time-out, SERVFAIL, REFUSED, nonsense: nothing is known about the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MxRecord:
    """`host` in lower case without the final dot; "." alone is the null MX (RFC 7505)."""

    preference: int
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """`host` is its name, for SNI and for people; `address` the IP address that is spoken to."""

    host: str
    address: str
    port: int = 25

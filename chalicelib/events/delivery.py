"""A delivery as it is remembered: one message to one recipient, with every attempt at it.

This is the layout of an item of the `deliveries` table (docs/keys.md). The table's stream is the only
source of events, so the layout belongs here and not to the step that happens to write it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum, unique
from typing import Any
from uuid import UUID

from chalicelib.events import email_id as ids

REPLY_OCTETS = 300
"""What is kept of a server's words."""


@unique
class Status(StrEnum):
    QUEUED = "queued"
    """Accepted; no attempt has been concluded."""
    DEFERRED = "deferred"
    """The last attempt failed for the moment; another one will follow."""
    DELIVERED = "delivered"
    """The recipient's server has taken the message over."""
    BOUNCED = "bounced"
    """It will not be delivered, and the reason is in the last attempt."""
    FAILED = "failed"
    """It could not be queued; whoever sent it was told so."""
    SIMULATED = "simulated"
    """Sent with a test key: checked and recorded, never delivered."""


OPEN = frozenset({Status.QUEUED, Status.DEFERRED})
"""States in which an attempt may still be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One SMTP transaction, or the try at one. Times are epoch milliseconds.

    `outcome` is "delivered", "deferred", "bounced" or "unknown". `code`, `enhanced` and `text` are the server's
    own words (ours, and without a code, where there was no `server`), `error` ours where it said nothing.
    `bounce_type` is there where it bounced: "hard" (no such mailbox), "soft", "block" (they refuse us or what
    we sent), or "expired" (deferred for three days).
    """

    n: int
    at: int
    outcome: str
    server: str | None = None
    stage: str | None = None
    code: int | None = None
    enhanced: str | None = None
    text: str | None = None
    error: str | None = None
    tls: str | None = None
    bounce_type: str | None = None
    next_at: int | None = None

    @property
    def words(self) -> str | None:
        """The server's reply as it came, or what we say where it said nothing."""
        reply = " ".join(str(part) for part in (self.code, self.enhanced, self.text) if part)
        return reply or self.error

    def to_item(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the message log shows of a message; kept once, with recipient 0. `subject` is cut to 200 characters."""

    message_id: str
    sender: str
    subject: str
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """`number` counts the recipients of a message from 0; `domain` is the sender's; `expires` epoch seconds.

    `attempt` is the last one that was begun, `concluded` the last one whose outcome is known: they
    differ while somebody holds the lease, or died holding it.
    """

    account_id: str
    email_id: UUID
    number: int
    address: str
    kind: str
    domain: str
    environment: str
    status: Status
    updated_at: int
    expires: int
    attempt: int = 0
    concluded: int = 0
    attempts: tuple[Attempt, ...] = ()
    lease_until: int | None = None
    owner: str | None = None
    header: Header | None = None

    @property
    def key(self) -> tuple[str, str]:
        return key(self.account_id, self.email_id, self.number)

    @property
    def name(self) -> str:
        """`<email id>.<recipient>`: unique among all deliveries."""
        return f"{self.email_id}.{self.number:03}"

    def to_item(self) -> dict[str, Any]:
        pk, sk = self.key
        stored = {
            "pk": pk,
            "sk": sk,
            "address": self.address,
            "kind": self.kind,
            "domain": self.domain,
            "environment": self.environment,
            "status": self.status,
            "updated_at": self.updated_at,
            "expires": self.expires,
            "attempt": self.attempt,
            "concluded": self.concluded,
            "attempts": [attempt.to_item() for attempt in self.attempts],
        }
        if self.header:
            stored |= asdict(self.header)
        return stored


def key(account_id: str, email_id: UUID, number: int) -> tuple[str, str]:
    return ids.partition(account_id, email_id), f"{email_id}#{number:03}"


def from_item(item: Mapping[str, Any]) -> Delivery:
    email_id, _, number = item["sk"].partition("#")
    return Delivery(
        account_id=item["pk"].partition("#")[0],
        email_id=UUID(email_id),
        number=int(number),
        address=item["address"],
        kind=item["kind"],
        domain=item["domain"],
        environment=item["environment"],
        status=Status(item["status"]),
        updated_at=item["updated_at"],
        expires=item["expires"],
        attempt=item["attempt"],
        concluded=item["concluded"],
        attempts=tuple(Attempt(**attempt) for attempt in item["attempts"]),
        lease_until=item.get("lease_until"),
        owner=item.get("owner"),
        header=_header(item) if "message_id" in item else None,
    )


def _header(item: Mapping[str, Any]) -> Header:
    return Header(message_id=item["message_id"], sender=item["sender"], subject=item["subject"], to=tuple(item["to"]))

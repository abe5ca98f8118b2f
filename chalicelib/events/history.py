"""The events of a delivery, read off the delivery itself.

An event is a fact with an id. The id is made of what the fact is about (email id, recipient, attempt,
type), so whoever meets the same fact twice can tell.
"""

from dataclasses import dataclass
from enum import StrEnum, unique
from uuid import UUID

from chalicelib.events import email_id as ids
from chalicelib.events.delivery import Attempt, Delivery, Status


@unique
class EventType(StrEnum):
    QUEUED = "queued"
    """Accepted, and durable."""
    SIMULATED = "simulated"
    """Accepted with a test key."""
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    """Refused for the moment, or not reached; another attempt follows."""
    BOUNCED = "bounced"
    """Refused for good, or not delivered in three days."""
    FAILED = "failed"
    """Could not be queued."""


_OF_OUTCOME = {
    "delivered": EventType.DELIVERED,
    "deferred": EventType.DEFERRED,
    "unknown": EventType.DEFERRED,
    "bounced": EventType.BOUNCED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`at` is in epoch milliseconds; `attempt` is None for what is not about an attempt."""

    type: EventType
    at: int
    email_id: UUID
    number: int
    recipient: str
    attempt: Attempt | None = None

    @property
    def id(self) -> str:
        return f"{self.email_id}.{self.number:03}.{self.attempt.n if self.attempt else 0}.{self.type}"


def of(delivery: Delivery) -> list[Event]:
    """All events of a delivery, oldest first."""
    events = [_event(delivery, _first(delivery), ids.milliseconds(delivery.email_id))]
    events += [_event(delivery, _OF_OUTCOME[done.outcome], done.at, done) for done in delivery.attempts]
    if delivery.status is Status.FAILED:
        events.append(_event(delivery, EventType.FAILED, delivery.updated_at))
    return events


def since(old: Delivery | None, new: Delivery) -> list[Event]:
    """What the new state of a delivery tells beyond the old one."""
    told = {event.id for event in of(old)} if old else set()
    return [event for event in of(new) if event.id not in told]


def _first(delivery: Delivery) -> EventType:
    return EventType.SIMULATED if delivery.status is Status.SIMULATED else EventType.QUEUED


def _event(delivery: Delivery, kind: EventType, at: int, attempt: Attempt | None = None) -> Event:
    return Event(
        type=kind,
        at=at,
        email_id=delivery.email_id,
        number=delivery.number,
        recipient=delivery.address,
        attempt=attempt,
    )

"""The deliveries' stream → the event bus and the counters.

First the bus, then the counters, then the answer. A crash in between tells the bus again (every event
has an id) and never counts twice. While the bus or the counters fail, the batch comes again from its
first record; nothing behind it is done before, because order is what keeps the counters exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chalicelib import log
from chalicelib.errors import PostscaleError
from chalicelib.events import counters, history
from chalicelib.events.delivery import Delivery, from_item
from chalicelib.events.history import Event

if TYPE_CHECKING:
    from chalicelib.aws.bus import Bus
    from chalicelib.aws.records import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """`wanted` are the event types that somebody listens for; None is all of them."""

    bus: "Bus"
    counters: counters.Counters
    wanted: frozenset[str] | None

    def publish(self, changes: Sequence["Change"]) -> str | None:
        """The sequence number to start again from, or None when all is told and counted."""
        told = [one for change in changes for one in _read(change)]
        try:
            self.bus.put([announced for one in told for announced in self._wanted(one)])
            self.counters.add(counters.count(one.sequence, one.delivery, one.events) for one in told)
        except PostscaleError as failure:
            log.write("publish_failed", error=failure.message, records=len(changes))
            return changes[0].sequence
        return None

    def _wanted(self, told: "_Told") -> list[tuple[str, dict[str, Any]]]:
        types = [(f"email.{event.type}", event) for event in told.events]
        return [
            (kind, _detail(told.delivery, event)) for kind, event in types if self.wanted is None or kind in self.wanted
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    sequence: str
    delivery: Delivery
    events: list[Event]


def _read(change: "Change") -> list[_Told]:
    """Nothing for what has left the table: its time was over (TTL), and no fact about mail.

    Nothing either for what cannot be read, which only a fault of ours can make: an alarm watches for the log
    line, and neither the record's neighbours nor the rest of the stream wait for its mending.
    """
    try:
        old, new = change.old, change.new
        delivery = from_item(new) if new else None
        events = history.since(from_item(old) if old else None, delivery) if delivery else []
    except (KeyError, TypeError, ValueError) as failure:
        log.write("stream_record_unreadable", sequence=change.sequence, error=repr(failure)[:100])
        return []
    return [_Told(sequence=change.sequence, delivery=delivery, events=events)] if delivery else []


def _detail(delivery: Delivery, event: Event) -> dict[str, Any]:
    """Ids and facts, well under 4 KB; never content."""
    detail = {
        "event_id": event.id,
        "timestamp": datetime.fromtimestamp(event.at / 1000, UTC).isoformat(timespec="milliseconds"),
        "account": delivery.account_id,
        "email_id": str(delivery.email_id),
        "domain": delivery.domain,
        "environment": delivery.environment,
        "recipient": delivery.address,
    }
    return detail | (event.attempt.to_item() if event.attempt else {})

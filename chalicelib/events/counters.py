"""Sums of events, exact under redelivery (docs/keys.md, `counters`).

A counter belongs to one partition key of `deliveries` and one sending domain, and remembers the
sequence number that it has counted up to. Records of one partition key arrive in order, so whatever
comes again is recognised by comparison.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.errors import ConditionFailed
from chalicelib.events.delivery import Delivery
from chalicelib.events.history import Event, EventType

if TYPE_CHECKING:
    from chalicelib.aws.tables import Key, Table

_SEQUENCE_DIGITS = 40
"""Stream sequence numbers are decimal, 21 to 40 digits, too long for a DynamoDB number: padded, they sort as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What one stream record adds: its sequence number, whose counter, and how much of what."""

    sequence: str
    key: "Key"
    amounts: Mapping[str, int]


def count(sequence: str, delivery: Delivery, events: Iterable[Event]) -> Counted:
    """A message that could not be queued is not summed up: its sender may send it again, under the same id."""
    amounts: Counter[str] = Counter()
    for event in events:
        if event.type is EventType.FAILED:
            continue
        amounts[event.type.value] += 1
        amounts["messages"] += event.attempt is None and event.number == 0
        amounts["hard_bounced"] += bool(event.attempt and event.attempt.bounce_type == "hard")
    return Counted(sequence=sequence.zfill(_SEQUENCE_DIGITS), key=_key(delivery), amounts=+amounts)


@dataclass(frozen=True, slots=True)
class Counters:
    table: "Table"

    def add(self, counted: Iterable[Counted]) -> None:
        """One write per distinct counter; what has been counted before is left out."""
        by_key: defaultdict[Key, list[Counted]] = defaultdict(list)
        for one in counted:
            by_key[one.key].append(one)
        for key, records in by_key.items():
            self._add(key, records)

    def totals(self, account_id: str, days: tuple[str, str], domain: str | None = None) -> Counter[str]:
        """Sums over days (yyyymmdd, both included) of an account, or of one of its domains."""
        sums: Counter[str] = Counter()
        first, last = days
        for item in self.table.query(f"account#{account_id}", between=(f"{first}#", f"{last}#~")):
            if domain in (None, item["sk"].split("#")[1]):
                sums.update({name: value for name, value in item.items() if isinstance(value, int)})
        return sums

    def _add(self, key: "Key", records: Sequence[Counted]) -> None:
        sums: Counter[str] = Counter()
        for record in records:
            sums.update(record.amounts)
        if not sums:
            return
        added = ", ".join(f"#{name} :{name}" for name in sums)
        values = {"seq": records[-1].sequence, "first": records[0].sequence} | dict(sums)
        try:
            self.table.update(
                key,
                f"SET #seq = :seq ADD {added}",
                values,
                only_if="attribute_not_exists(#seq) OR #seq < :first",
            )
        except ConditionFailed as lost:
            counted = lost.item["seq"] if lost.item else ""
            self._add(key, [record for record in records if record.sequence > counted])


def _key(delivery: Delivery) -> "Key":
    account_id, day, shard = delivery.key[0].split("#")
    return f"account#{account_id}", f"{day}#{delivery.domain}#{shard}"

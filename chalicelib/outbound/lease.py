"""An attempt is a lease, never a tombstone.

Whoever makes an attempt first takes it: a conditional write that names the owner and a time after which
the owner must be dead. Only a concluded attempt is acknowledged without work; one whose owner died is
taken again. So a message is spoken twice only when somebody dies between the remote server's yes and
our writing it down.
"""

from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, unique
from typing import TYPE_CHECKING

from chalicelib.errors import ConditionFailed
from chalicelib.events import delivery as layout
from chalicelib.events.delivery import OPEN, Attempt, Status
from chalicelib.outbound.queue import Job

if TYPE_CHECKING:
    from chalicelib.aws.tables import Item, Table


@unique
class Taken(Enum):
    """What became of the try to take an attempt; see also `Held`."""

    OURS = "ours"
    """Speak."""
    OVER = "over"
    """It was concluded, or the delivery has ended, or is not in the log: nothing is left to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Somebody else is at it, or died at it a moment ago; `until` (epoch seconds) tells which."""

    until: int


@dataclass(frozen=True, slots=True)
class Leases:
    table: "Table"

    def take(self, job: Job, *, owner: str, now: float, until: float) -> Taken | Held:
        """`until`: when this process will be dead for certain. `owner` is a new name for every try to take."""
        values = {
            "n": job.attempt,
            "owner": owner,
            "until": int(until) + 1,
            "now": int(now),
            "queued": Status.QUEUED,
            "deferred": Status.DEFERRED,
        }
        try:
            self.table.update(
                _key(job),
                "SET #attempt = :n, #owner = :owner, #lease_until = :until",
                values,
                only_if="#status IN (:queued, :deferred) AND #concluded < :n"
                " AND (attribute_not_exists(#lease_until) OR #lease_until < :now)",
            )
        except ConditionFailed as lost:
            return _why(job, owner, lost.item)
        return Taken.OURS

    def conclude(self, job: Job, attempt: Attempt, status: Status) -> bool:
        """Write the outcome; False when somebody concluded this attempt before us, and then theirs stands.

        It is not asked whether the lease is still ours: what a server answered is true in any case. A yes stands
        even against somebody's later no, for the recipient has the message.
        """
        values = {"n": job.attempt, "status": status, "done": [attempt.to_item()], "at": attempt.at}
        values |= {"queued": Status.QUEUED, "deferred": Status.DEFERRED}
        first = "" if status is Status.DELIVERED else " AND #concluded < :n"
        try:
            self.table.update(
                _key(job),
                "SET #status = :status, #concluded = :n, #updated_at = :at,"
                " #attempts = list_append(#attempts, :done) REMOVE #lease_until, #owner",
                values,
                only_if=f"#status IN (:queued, :deferred){first}",
            )
        except ConditionFailed:
            return False
        return True

    def give_back(self, job: Job, owner: str) -> None:
        """We failed before we spoke: whoever comes next need not wait for us to be dead."""
        with suppress(ConditionFailed):
            self.table.update(_key(job), "REMOVE #lease_until, #owner", {"owner": owner}, only_if="#owner = :owner")


def _key(job: Job) -> tuple[str, str]:
    return layout.key(job.account_id, job.email_id, job.number)


def _why(job: Job, owner: str, item: "Item | None") -> Taken | Held:
    """It may have been ourselves: where an answer was lost, the client library has asked a second time."""
    if item is not None and item.get("owner") == owner:
        return Taken.OURS
    if item is None or item["status"] not in OPEN or item["concluded"] >= job.attempt:
        return Taken.OVER
    return Held(until=item["lease_until"])

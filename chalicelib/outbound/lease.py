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
        """`until`: when this process will be dead for certain."""
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
            return _why(job, lost.item)
        return Taken.OURS

    def conclude(self, job: Job, attempt: Attempt, status: Status) -> bool:
        """Write the outcome; False when somebody concluded this attempt before us, and then theirs stands.

        It is not asked whether the lease is still ours: what a server answered is true in any case.
        """
        values = {"n": job.attempt, "status": status, "done": [attempt.to_item()], "at": attempt.at}
        try:
            self.table.update(
                _key(job),
                "SET #status = :status, #concluded = :n, #updated_at = :at,"
                " #attempts = list_append(#attempts, :done) REMOVE #lease_until, #owner",
                values,
                only_if="attribute_exists(#pk) AND #concluded < :n",
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


def _why(job: Job, item: "Item | None") -> Taken | Held:
    if item is None or item["status"] not in OPEN or item["concluded"] >= job.attempt:
        return Taken.OVER
    return Held(until=item["lease_until"])

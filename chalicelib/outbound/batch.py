"""A batch of jobs, as a queue hands it over: grouped by mail operator, the groups side by side.

Lambda bills wall time, so the waits of different operators overlap; one operator sees one connection.
What is not done is named, becomes visible again after a growing while, and comes back. What failed
because a service of ours is down hops instead: an outage must not count toward the dead letters.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from threading import Semaphore
from typing import TYPE_CHECKING

from chalicelib import log
from chalicelib.errors import PostscaleError, Temporary
from chalicelib.events import email_id as ids
from chalicelib.outbound import queue
from chalicelib.outbound.delivery import Courier, Tools
from chalicelib.outbound.lease import Held
from chalicelib.outbound.queue import Job
from chalicelib.outbound.retry import LIFETIME_SECONDS
from chalicelib.outbound.routing import Route, Unroutable

if TYPE_CHECKING:
    from chalicelib.aws.queues import Queue
    from chalicelib.aws.records import Received

Way = Route | Unroutable
_THREADS = 10
_SOON = 1.0
"""Seconds: a job that is due within them is not worth another hop."""
_DIALOGS = 1 / 3
"""The part of the time left in which dialogs begin: the last one may take as long again, and then there is writing."""
_HOP_AFTER = 3
"""Times received."""
_LARGE_AT_ONCE = 2
"""Messages whose content is an object: each takes up to 25 MB while it is signed and said."""
_OUTAGE_WAIT = 300.0
_FIRST_WAIT, _LONGEST_WAIT = 10, 300
"""Seconds until a failed message is seen again; doubled each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    received: "Received"
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A message that is to come again: at epoch seconds `at`, or after a while that grows from time to time."""

    received: "Received"
    at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One run of the function: the epoch seconds after which it begins no dialog, and at which it is stopped.

    `large` lets few large messages at a time into memory.
    """

    large: Semaphore
    no_dialog_after: float
    dead_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """`queue` is the one that batches come from; `route` finds the way to a domain."""

    queue: "Queue"
    tools: Tools
    route: Callable[[str], Route | Unroutable]

    def run(self, batch: Sequence["Received"], seconds: float) -> list[str]:
        """Ids of the messages that are to come again. `seconds` is how long this function may still run."""
        now = self.tools.clock()
        turn = Turn(large=Semaphore(_LARGE_AT_ONCE), no_dialog_after=now + seconds * _DIALOGS, dead_at=now + seconds)
        entries, again = _read(batch)
        again += self._hop([entry for entry in entries if entry.job.not_before > now + _SOON])
        with ThreadPoolExecutor(_THREADS) as threads:
            groups = self._groups([entry for entry in entries if entry.job.not_before <= now + _SOON], threads)
            for failed in threads.map(lambda group: self._carry(turn, group), groups):
                again += failed
        for one in again:
            self._postpone(one)
        return [one.received.id for one in again]

    def _groups(self, entries: Sequence[Entry], threads: ThreadPoolExecutor) -> list[list[tuple[Entry, Way]]]:
        """Each entry with its way; those of one operator together."""
        names = sorted({_domain(entry) for entry in entries})
        ways = dict(zip(names, threads.map(self.route, names), strict=True))
        groups: defaultdict[str, list[tuple[Entry, Way]]] = defaultdict(list)
        for entry in entries:
            way = ways[_domain(entry)]
            groups[way.operator if isinstance(way, Route) else _domain(entry)].append((entry, way))
        return list(groups.values())

    def _carry(self, turn: Turn, group: Sequence[tuple[Entry, Way]]) -> list[Again]:
        courier = Courier(self.tools, dead_at=turn.dead_at)
        again: list[Again] = []
        for entry, way in group:
            with turn.large if entry.job.object else nullcontext():
                again += self._carry_one(courier, turn, entry, way)
        courier.close()
        return again

    def _carry_one(self, courier: Courier, turn: Turn, entry: Entry, way: Way) -> list[Again]:
        """Nothing when this message is done with, be it that another one has taken its place in the queue."""
        try:
            if self.tools.clock() > turn.no_dialog_after:
                return self._hop([entry])
            held = courier.carry(entry.job, way)
            return [_while_held(entry, held)] if held else []
        except Temporary as failure:
            log.write("put_back", email_id=entry.job.email_id, n=entry.job.number, error=failure.message)
            return self._hop([_later(entry, self.tools.clock())]) if self._may_hop(entry) else [_again(entry)]
        except Exception as failure:  # a surprise: the others in the batch are none the worse for it
            log.write("job_failed", email_id=entry.job.email_id, n=entry.job.number, error=repr(failure)[:200])
            return [_again(entry)]

    def _hop(self, entries: Sequence[Entry]) -> list[Again]:
        """Those that could not hop."""
        if not entries:
            return []
        try:
            self.tools.outbox.hop([entry.job for entry in entries], now=self.tools.clock())
        except PostscaleError as failure:
            log.write("hop_failed", jobs=len(entries), error=failure.message)
            return [_again(entry) for entry in entries]
        return []

    def _may_hop(self, entry: Entry) -> bool:
        """What has failed thrice is no hiccup. What is older than a message gets is no outage, but broken: it is
        left to become a dead letter, which somebody is called for.
        """
        age = self.tools.clock() - ids.milliseconds(entry.job.email_id) / 1000
        return entry.received.times >= _HOP_AFTER and age < LIFETIME_SECONDS

    def _postpone(self, one: Again) -> None:
        """Best effort: otherwise the message comes back after the queue's own time, which is longer."""
        growing = min(_LONGEST_WAIT, _FIRST_WAIT << min(one.received.times - 1, 10))
        wait = growing if one.at is None else max(0, round(one.at - self.tools.clock()))
        try:
            self.queue.show_again_in(one.received.receipt, wait)
        except PostscaleError as failure:
            log.write("postpone_failed", error=failure.message)


def _read(batch: Sequence["Received"]) -> tuple[list[Entry], list[Again]]:
    """The jobs, and the messages that hold none: they come again until they are dead letters."""
    entries, unreadable = [], []
    for received in batch:
        try:
            entries.append(Entry(received=received, job=queue.decode(received.body)))
        except (KeyError, TypeError, ValueError) as failure:
            log.write("job_unreadable", message=received.id, error=repr(failure)[:200])
            unreadable.append(Again(received=received))
    return entries, unreadable


def _again(entry: Entry) -> Again:
    return Again(received=entry.received)


def _while_held(entry: Entry, held: Held) -> Again:
    log.write("held", email_id=entry.job.email_id, n=entry.job.number, until=held.until)
    return Again(received=entry.received, at=held.until + 1)


def _later(entry: Entry, now: float) -> Entry:
    return replace(entry, job=replace(entry.job, not_before=now + _OUTAGE_WAIT))


def _domain(entry: Entry) -> str:
    return entry.job.recipient.rpartition("@")[2]

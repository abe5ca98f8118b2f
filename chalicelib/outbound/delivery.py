"""One attempt after another at one mail operator, over one connection: lease, sign, speak, read, conclude.

Each outcome is written down as soon as it is known. Whatever fails on our own side leaves the attempt
unconcluded and its lease given back, and the queue brings it again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from chalicelib import log
from chalicelib.errors import PostscaleError, Unavailable
from chalicelib.mail.envelope import Envelope
from chalicelib.mail.hosts import Server
from chalicelib.mail.reply import Answer, Stage
from chalicelib.outbound import conclusion, outcome
from chalicelib.outbound.conclusion import Conclusion
from chalicelib.outbound.lease import Held, Leases, Taken
from chalicelib.outbound.outcome import Deferred, Outcome
from chalicelib.outbound.queue import Job, Outbox
from chalicelib.outbound.retry import Schedule
from chalicelib.outbound.routing import Route, Unroutable
from chalicelib.outbound.signing import Signer

if TYPE_CHECKING:
    from chalicelib.net.smtp import Connection

_WRITE_WAITS = (0.5, 1, 2, 4, 8)
"""Seconds between tries to write down an outcome: losing it means saying the message twice."""
_DIALOG_SECONDS = 300.0
"""What one delivery may cost a thread, however many servers it tries."""
_USEFUL_SECONDS = 30.0
"""With less than this left, another server is not tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """`connect(server, starttls, seconds)` opens a session that lasts so long; `clock` is epoch seconds."""

    leases: Leases
    outbox: Outbox
    signer: Signer
    schedule: Schedule
    connect: "Callable[[Server, bool, float], Connection | Answer]"
    clock: Callable[[], float]


class Courier:
    """Carries the jobs of one operator, one after another. `dead_at`: when this process is stopped, epoch seconds."""

    def __init__(self, tools: Tools, *, dead_at: float) -> None:
        self._tools = tools
        self._dead_at = dead_at
        self._open: tuple[Connection, Server] | None = None

    def carry(self, job: Job, route: Route | Unroutable) -> Held | None:
        """None when the job is done with; who else is at it otherwise. Raises when our own side failed."""
        owner = uuid4().hex
        taken = self._tools.leases.take(job, owner=owner, now=self._tools.clock(), until=self._dead_at)
        if taken is not Taken.OURS:
            return taken if isinstance(taken, Held) else None
        try:
            concluded = self._follow(job, self._attempt(job, route))
        except Exception:
            self._give_back(job, owner)
            raise
        _log(job, concluded, self._write(job, concluded))
        return None

    def close(self) -> None:
        if self._open:
            self._open[0].close()
            self._open = None

    def _attempt(self, job: Job, route: Route | Unroutable) -> Outcome:
        if isinstance(route, Unroutable):
            return outcome.unrouted(route)
        prepared = self._tools.signer.prepare(job, self._tools.outbox.message(job))
        if prepared is None:
            return outcome.unsigned(job.domain)
        envelope, message = prepared
        end = time.monotonic() + _DIALOG_SECONDS
        return self._over_open(route, envelope, message) or self._over_any(route, envelope, message, end)

    def _over_any(self, route: Route, envelope: Envelope, message: bytes, end: float) -> Outcome:
        """The servers in their order, until one has said something about the mail; a route has at least one.

        All of them together have the time of one dialog: servers that drip cost a thread no more.
        """
        for server in route.servers:
            reached = self._over_new(server, envelope, message, end)
            if not _may_go_on(reached) or time.monotonic() > end - _USEFUL_SECONDS:
                break
        return reached

    def _over_open(self, route: Route, envelope: Envelope, message: bytes) -> Outcome | None:
        """None where no connection is open that leads to a server of this route, or it broke before it was of use."""
        if not (self._open and self._open[0].usable and self._open[1] in route.servers):
            return None
        connection, server = self._open
        reached = outcome.read(connection.deliver(envelope, message), server.host)
        return None if _may_go_on(reached) else reached

    def _over_new(self, server: Server, envelope: Envelope, message: bytes, end: float) -> Outcome:
        self.close()
        opened = self._tools.connect(server, True, max(0.0, end - time.monotonic()))
        if isinstance(opened, Answer) and opened.stage is Stage.STARTTLS:
            opened = self._tools.connect(server, False, max(0.0, end - time.monotonic()))
        if isinstance(opened, Answer):
            return outcome.read(opened, server.host)
        self._open = (opened, server)
        return outcome.read(opened.deliver(envelope, message), server.host)

    def _follow(self, job: Job, reached: Outcome) -> Conclusion:
        """The successor is enqueued before the outcome is written: a crash in between repeats, and loses nothing."""
        now = self._tools.clock()
        concluded = conclusion.conclude(job, reached, self._tools.schedule, now=now)
        if concluded.successor:
            self._tools.outbox.hop([concluded.successor], now=now)
        return concluded

    def _write(self, job: Job, concluded: Conclusion) -> bool:
        for wait in _WRITE_WAITS:
            try:
                return self._tools.leases.conclude(job, concluded.attempt, concluded.status)
            except Unavailable:
                if self._tools.clock() + wait >= self._dead_at:
                    raise
                time.sleep(wait)
        return self._tools.leases.conclude(job, concluded.attempt, concluded.status)

    def _give_back(self, job: Job, owner: str) -> None:
        try:
            self._tools.leases.give_back(job, owner)
        except PostscaleError as failure:
            log.write("lease_kept", email_id=job.email_id, n=job.number, error=failure.message)


def _may_go_on(reached: Outcome) -> bool:
    """Nothing was said about the mail itself, so the next server may be asked at once (RFC 5321 §5.1)."""
    return isinstance(reached, Deferred) and reached.elsewhere


def _log(job: Job, concluded: Conclusion, ours: bool) -> None:
    attempt = concluded.attempt
    log.write(
        attempt.outcome if ours else "concluded_before_us",
        email_id=job.email_id,
        n=job.number,
        attempt=attempt.n,
        server=attempt.server,
        code=attempt.code,
        enhanced=attempt.enhanced,
        error=attempt.error and attempt.error.partition(":")[0],  # what follows may be a server's words, with addresses
        tls=attempt.tls,
        bounce_type=attempt.bounce_type,
    )

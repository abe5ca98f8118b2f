"""An outcome → what is written down of it, and what follows: nothing more, or another attempt."""

from dataclasses import dataclass, replace

from chalicelib.events import email_id as ids
from chalicelib.events.delivery import Attempt, Status
from chalicelib.outbound.outcome import Bounced, Deferred, Delivered, Outcome, Unknown
from chalicelib.outbound.queue import Job
from chalicelib.outbound.retry import Schedule

_EXPIRED = "expired"
"""The reason of a bounce after three days of deferrals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """`successor` is the next attempt's job; it is there if, and only if, `status` is deferred."""

    status: Status
    attempt: Attempt
    successor: Job | None = None


def conclude(job: Job, outcome: Outcome, schedule: Schedule, *, now: float) -> Conclusion:
    match outcome:
        case Delivered():
            return Conclusion(status=Status.DELIVERED, attempt=_attempt(job, outcome, now))
        case Bounced():
            done = replace(_attempt(job, outcome, now), bounce_type=outcome.bounce_type.value)
            return Conclusion(status=Status.BOUNCED, attempt=done)
        case Deferred() | Unknown():
            return _deferred(job, outcome, schedule, now)


def _deferred(job: Job, outcome: Deferred | Unknown, schedule: Schedule, now: float) -> Conclusion:
    accepted = ids.milliseconds(job.email_id) / 1000
    next_at = schedule.next_attempt(job.attempt, accepted=accepted, now=now)
    if next_at is None:
        done = replace(_attempt(job, outcome, now), outcome=Bounced.word, bounce_type=_EXPIRED)
        return Conclusion(status=Status.BOUNCED, attempt=done)
    done = replace(_attempt(job, outcome, now), next_at=int(next_at * 1000))
    successor = replace(job, attempt=job.attempt + 1, not_before=next_at)
    return Conclusion(status=Status.DEFERRED, attempt=done, successor=successor)


def _attempt(job: Job, outcome: Outcome, now: float) -> Attempt:
    """Without a server there was no reply: the words are ours then, and no code is shown."""
    reply = outcome.reply
    return Attempt(
        n=job.attempt,
        at=int(now * 1000),
        outcome=outcome.word,
        server=outcome.server,
        stage=outcome.stage.value,
        code=reply.code if reply and outcome.server else None,
        enhanced=reply.enhanced if reply else None,
        text=reply.text if reply else None,
        error=outcome.error,
        tls=outcome.tls,
    )

"""The jobs: one per delivery, on SQS, which is also the clock of the retries.

Content travels in the job, compressed, while that is the cheaper way; otherwise it is one S3 object per
message and the job names it. A job that is not due yet hops: it is sent again with the longest delay
that the service takes, and so waits as long as it must without a table to poll.
"""

import base64
import json
import math
import operator
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.events import email_id as ids

if TYPE_CHECKING:
    from chalicelib.aws.objects import Bucket
    from chalicelib.aws.queues import Queue

_SMALL = 1024 * 1024
"""Octets of a message, unpacked, of which ten fit into a delivery function side by side."""
_INLINE_OCTETS = 64 * 1024
_INLINE_OCTETS_IN_ALL = 256 * 1024
"""Content times recipients: beyond it one object is cheaper than as many copies (64 KB are billed at every hop)."""
_LONGEST_DELAY = 900
"""Seconds; SQS delays no message longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One attempt at one delivery.

    `sender` is the header From address, `domain` the domain that signs. `not_before` is epoch seconds.
    Exactly one of `content` (zlib) and `object` (S3 key of the same) is there.
    """

    account_id: str
    email_id: UUID
    number: int
    attempt: int
    recipient: str
    sender: str
    domain: str
    content: bytes | None
    object: str | None
    not_before: float = 0

    @property
    def name(self) -> str:
        return f"{self.email_id}.{self.number:03}"


def encode(job: Job) -> str:
    body = {
        "account": job.account_id,
        "email_id": str(job.email_id),
        "n": job.number,
        "attempt": job.attempt,
        "to": job.recipient,
        "from": job.sender,
        "domain": job.domain,
        "not_before": job.not_before,
        "object": job.object,
        "content": base64.b64encode(job.content).decode() if job.content is not None else None,
    }
    return json.dumps({name: value for name, value in body.items() if value is not None}, separators=(",", ":"))


def decode(body: str) -> Job:
    """Raises KeyError, TypeError or ValueError for what is no job."""
    told = json.loads(body)
    if ("content" in told) == ("object" in told):
        raise ValueError("a job has either content or an object")
    texts = [told[name] for name in ("account", "email_id", "to", "from", "domain")]
    if not all(isinstance(text, str) for text in texts) or not math.isfinite(told["not_before"]):
        raise ValueError("a job names its delivery in words, and a time that comes")
    return Job(
        account_id=told["account"],
        email_id=UUID(told["email_id"]),
        number=operator.index(told["n"]),
        attempt=operator.index(told["attempt"]),
        recipient=told["to"],
        sender=told["from"],
        domain=told["domain"],
        not_before=float(told["not_before"]),
        object=told.get("object"),
        content=base64.b64decode(told["content"]) if "content" in told else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """Where accepted messages are put, and where their content is found again."""

    fresh: "Queue"
    deferred: "Queue"
    bucket: "Bucket"

    def put(self, jobs: Sequence[Job], message: bytes) -> None:
        """Returns when every job and the content are durable."""
        packed = zlib.compress(message)
        octets = len(packed) * 4 // 3
        if len(message) <= _SMALL and octets <= _INLINE_OCTETS and octets * len(jobs) <= _INLINE_OCTETS_IN_ALL:
            ready = [replace(job, content=packed) for job in jobs]
        else:
            key = f"content/{ids.day(jobs[0].email_id)}/{jobs[0].email_id}"
            self.bucket.put(key, packed)
            ready = [replace(job, object=key) for job in jobs]
        self.fresh.send([(encode(job), job.account_id, 0) for job in ready])

    def hop(self, jobs: Sequence[Job], *, now: float) -> None:
        """Back into the queue until it is time."""
        self.deferred.send([(encode(job), job.account_id, _delay(job, now)) for job in jobs])

    def message(self, job: Job) -> bytes:
        return zlib.decompress(job.content if job.content is not None else self.bucket.get(job.object or ""))


def _delay(job: Job, now: float) -> int:
    return max(0, min(_LONGEST_DELAY, math.ceil(job.not_before - now)))

"""Where a measurement takes place: an AWS of some kind, the internet of the recipients, and a seeded sender.

What is needed to keep a measurement going (taking jobs from the queue, reading the stream) goes through
clients of the scene's own and is never metered.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import child, lambdas, traffic
from benchmarks.child import Child
from benchmarks.lambdas import Event, Run
from benchmarks.traffic import Recipients
from chalicelib.wiring import services
from infra import package
from infra.local import lambda_events, ministack
from infra.seed import Seeded, seed
from infra.template import Template

PLATFORM = "postscale.test"
_ARN = "arn:aws:sqs:us-east-1:000000000000:outbound"
_MOST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """`settings` are those of the functions, and this process's environment."""

    seeded: Seeded
    settings: Mapping[str, str]
    endpoint: str
    internet: Child
    recipients: Recipients = field(default_factory=Recipients)

    def client(self, service: str) -> Any:
        return ministack.client(service, self.endpoint)

    def submission(self, to: str | None = None, idempotency_key: str | None = None) -> Event:
        body = traffic.submission(to or self.recipients.next(), self.seeded.domain)
        return traffic.event(body, self.seeded.live_key, idempotency_key)

    def accept(self, count: int) -> list[Run]:
        """So many messages to recipients of the mix."""
        return [lambdas.accept(self.submission()) for _ in range(count)]

    def jobs(self, sizes: Iterable[int]) -> Iterator[Event]:
        """Batches of so many jobs as the queue holds them, as Lambda hands them over; then they leave the queue."""
        queue, url = self.client("sqs"), self.settings["OUTBOUND_QUEUE_URL"]
        for size in sizes:
            batch = _receive(queue, url, size)
            yield lambda_events.of_messages(batch, _ARN)
            for begin in range(0, len(batch), _MOST):
                handles = [message["ReceiptHandle"] for message in batch[begin : begin + _MOST]]
                entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
                queue.delete_message_batch(QueueUrl=url, Entries=entries)

    def forget_jobs(self) -> None:
        self.client("sqs").purge_queue(QueueUrl=self.settings["OUTBOUND_QUEUE_URL"])


@contextmanager
def in_ministack() -> Iterator[tuple[Scene, Template]]:
    """The resources of the packaged template in MiniStack, and the template."""
    with (
        tempfile.TemporaryDirectory(prefix="postscale-benchmark-") as scratch,
        child.running("benchmarks.internet") as internet,
        ministack.running() as aws,
    ):
        packaged = package.build("local", Path(scratch))
        parameters = {
            "PlatformDomain": PLATFORM,
            "MxPort": str(internet.told["smtp"]),
            "DnsServers": f"127.0.0.1:{internet.told['dns']}",
            "AllowLoopbackMx": "1",
        }
        settings = ministack.create_resources(packaged, aws.endpoint, parameters)
        yield _set(settings, aws.endpoint, internet), json.loads(packaged.read_text())


@contextmanager
def at_the_stub(*, far: bool = False) -> Iterator[Scene]:
    """An AWS that costs no time, or with `far` exactly the time of the table, and an internet that does likewise."""
    flags = ("--far",) if far else ()
    with (
        child.running("benchmarks.internet", *flags) as internet,
        child.running("benchmarks.stub", *flags) as aws,
    ):
        endpoint = f"http://127.0.0.1:{aws.told['port']}"
        tables = ("ACCOUNTS", "DOMAINS", "DELIVERIES", "IDEMPOTENCY", "COUNTERS")
        settings = {f"{name}_TABLE": name.lower() for name in tables} | {
            "PLATFORM_DOMAIN": PLATFORM,
            "OUTBOUND_QUEUE_URL": f"{endpoint}/000000000000/outbound",
            "RETRY_QUEUE_URL": f"{endpoint}/000000000000/retry",
            "CONTENT_BUCKET": "content",
            "DKIM_KMS_KEY": "key",
            "TOKEN_SECRET": "secret",
            "EVENT_BUS": "bus",
            "MX_PORT": str(internet.told["smtp"]),
            "DNS_SERVERS": f"127.0.0.1:{internet.told['dns']}",
            "ALLOW_LOOPBACK_MX": "1",
        }
        yield _set(settings, endpoint, internet)


def _set(settings: Mapping[str, str], endpoint: str, internet: Child) -> Scene:
    """From here on this process is a function of that installation, and talks to no other AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(settings)
    os.environ.update(ministack.environment(endpoint))
    services.cache_clear()
    return Scene(seeded=seed(services()), settings=settings, endpoint=endpoint, internet=internet)


def _receive(queue: Any, url: str, count: int) -> list[Mapping[str, Any]]:
    received: list[Mapping[str, Any]] = []
    while len(received) < count:
        answer = queue.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(_MOST, count - len(received)),
            MessageSystemAttributeNames=["All"],
        )
        if not answer.get("Messages"):
            raise RuntimeError(f"the queue holds no more than {len(received)} of {count} jobs")
        received += answer["Messages"]
    return received

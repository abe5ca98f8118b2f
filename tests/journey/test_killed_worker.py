"""The delivery worker is killed (SIGKILL) at every point where it could lose or double a message.

The worker is the real one, in a process of its own, between the real receiver and MiniStack; the taps that
kill it stand outside. Afterwards another worker finishes, and each message has ended exactly once. Only
where the remote server had said yes before the kill may the recipient have it twice.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from chalicelib.accounts.api_keys import Environment, Principal
from chalicelib.api import draft
from chalicelib.aws.records import Received
from chalicelib.events.delivery import Delivery
from chalicelib.settings import Settings
from chalicelib.wiring import Services
from infra.local import background, dns, ministack, receivers, zone
from infra.local.mailbox import Mailbox
from infra.local.receivers import Receiver
from infra.seed import Seeded, seed
from tests.journey.tap import Point, Tap

pytestmark = pytest.mark.journeys

ROOT = Path(__file__).parents[2]
TIMEOUT, VISIBILITY = 3, 6
"""Seconds: how long an invocation may run, and when the job of a dead one is seen again."""
PATIENCE = 60

LEASE = rb"UpdateItem.*#lease_until = :until"
OUTCOME = rb"UpdateItem.*list_append"
HOP = rb"SendMessageBatch.*DelaySeconds"
CONTENT_END = rb"\r\n\.\r\n$"

AWS_POINTS = {
    "after taking the lease": Point(asked=LEASE, answered=rb"200 OK"),
    "before writing the outcome": Point(asked=OUTCOME),
    "after writing the outcome": Point(asked=OUTCOME, answered=rb"200 OK"),
}
SMTP_POINTS = {
    "after connecting": Point(answered=rb"^220 "),
    "after DATA": Point(answered=rb"354 "),
    "before the final dot arrives": Point(asked=CONTENT_END),
    "after the remote 250": Point(asked=CONTENT_END, answered=rb"^250 "),
}
TWICE = {"before writing the outcome", "after the remote 250"}
"""Where the recipient's server has said yes, and nobody could write it down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    services: Services
    seeded: Seeded
    mailbox: Mailbox
    aws: Tap
    smtp: Tap
    template: Path
    state: Path

    def send(self, recipient: str) -> UUID:
        body = {"from": "no-reply@acme.test", "to": [recipient], "subject": "Hi", "text_body": "Hello."}
        principal = Principal(account_id=self.seeded.account_id, key_id="k", environment=Environment.LIVE)
        return UUID(self.services.submission.accept(principal, draft.parse(body), None)["id"])

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        environment = os.environ | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.aws.port}"}
        command = [sys.executable, "-m", "infra.local.workers", "--template", str(self.template)]
        command += ["--state", str(self.state), "--timeout", str(TIMEOUT)]
        with (self.state / "workers.log").open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log)  # noqa: S603 (ourselves)
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def outcome(self, email_id: UUID) -> Delivery:
        """Once it has ended; fails the test when it does not."""
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            (delivery,) = self.services.deliveries.find(self.seeded.account_id, email_id)
            if delivery.status in {"delivered", "bounced"}:
                return delivery
            time.sleep(0.2)
        pytest.fail(f"nothing became of it in {PATIENCE} s: {delivery}")

    def received(self, email_id: UUID) -> int:
        kept = (self.mailbox.find(each.id) for each in self.mailbox.newest_first())
        return sum(str(email_id).encode() in found[1] for found in kept if found)

    def waiting(self) -> dict[str, int]:
        """Messages in each queue, seen and unseen, once the last visibility time is over."""
        client = self.services.clients("sqs")
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        depths = {}
        for url in client.list_queues()["QueueUrls"]:
            told = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            depths[url.rsplit("/", 1)[-1]] = sum(int(told[name]) for name in names)
        return depths


@pytest.fixture(scope="module")
def country(local_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    state = tmp_path_factory.mktemp("country")
    template, zone_file, mailbox = local_package / "sam.json", state / "zone.txt", Mailbox(state / "mail")
    zone_file.write_text("")
    before = dict(os.environ)
    with ExitStack() as held:
        aws = held.enter_context(ministack.running())
        dns_port = held.enter_context(background.held(dns.serving(zone_file, 0)))
        sink = held.enter_context(background.held(receivers.serving(Receiver(mailbox=mailbox), state, 0)))
        taps = Tap(upstream=int(aws.endpoint.rsplit(":")[-1])), Tap(upstream=sink, hide=b"STARTTLS")
        for tap in taps:
            tap.start()
            held.callback(tap.close)
        parameters = {
            "PlatformDomain": "postscale.test",
            "MxPort": str(taps[1].port),
            "DnsServers": f"127.0.0.1:{dns_port}",
            "AllowLoopbackMx": "1",
            "RetryWaits": "1",
            "DeliveryTimeout": str(TIMEOUT),
            "VisibilityTimeout": str(VISIBILITY),
        }
        os.environ.update(ministack.create_resources(template, aws.endpoint, parameters))
        os.environ.update(ministack.environment(aws.endpoint))
        services = Services(Settings.from_environment())
        seeded = seed(services)
        zone_file.write_text(zone.text("postscale.test", zone.Sender(domain="acme.test", dkim=seeded.dkim_record)))
        yield Country(
            services=services,
            seeded=seeded,
            mailbox=mailbox,
            aws=taps[0],
            smtp=taps[1],
            template=template,
            state=state,
        )
    os.environ.clear()
    os.environ.update(before)


def kill_at(country: Country, tap: Tap, point: Point, recipient: str) -> Delivery:
    """Send, let a worker run into the point, and another one finish."""
    killed = threading.Event()
    with country.worker() as victim:

        def kill() -> None:
            victim.kill()
            victim.wait()
            killed.set()

        tap.arm(point, kill)
        email_id = country.send(recipient)
        assert killed.wait(PATIENCE), "the worker never came to that point"
    with country.worker():
        return country.outcome(email_id)


@pytest.mark.parametrize("where", [*AWS_POINTS, *SMTP_POINTS])
def test_a_message_survives_its_worker(country: Country, where: str) -> None:
    tap, points = (country.aws, AWS_POINTS) if where in AWS_POINTS else (country.smtp, SMTP_POINTS)
    delivery = kill_at(country, tap, points[where], "ann@inbox.test")
    assert delivery.status == "delivered"
    assert 1 <= country.received(delivery.email_id) <= (2 if where in TWICE else 1)


def test_a_deferral_survives_its_worker_after_the_next_hop_was_enqueued(country: Country) -> None:
    point = Point(asked=HOP, answered=rb"200 OK")
    delivery = kill_at(country, country.aws, point, "greylist@simulator.test")
    assert delivery.status == "delivered"
    assert country.received(delivery.email_id) == 1


def test_a_bounce_survives_its_worker(country: Country) -> None:
    delivery = kill_at(country, country.aws, Point(asked=OUTCOME), "bounce@simulator.test")
    assert delivery.status == "bounced"
    assert [attempt.enhanced for attempt in delivery.attempts] == ["5.1.1"]


def test_the_same_job_at_eight_workers_at_once_is_one_message(country: Country) -> None:
    email_id = country.send("ann@inbox.test")
    url = country.services.settings.outbound_queue_url
    asked = {"QueueUrl": url, "WaitTimeSeconds": 5}
    (message,) = country.services.clients("sqs").receive_message(**asked)["Messages"]
    record = Received(id="1", body=message["Body"], receipt=message["ReceiptHandle"], times=1)
    workers = [Services(country.services.settings).worker(url) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        again = list(threads.map(lambda worker: worker.run([record], 30), workers))
    assert country.outcome(email_id).status == "delivered"
    assert country.received(email_id) == 1
    assert [] in again
    country.services.clients("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_nothing_is_left_in_any_queue(country: Country) -> None:
    give_up = time.monotonic() + PATIENCE
    with country.worker():
        while any(country.waiting().values()) and time.monotonic() < give_up:
            time.sleep(0.5)
    assert set(country.waiting().values()) == {0}, json.dumps(country.waiting())

from collections.abc import Iterator, Mapping
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
from infra.local import background, dns, receivers, zone
from infra.local.mailbox import Mailbox
from infra.local.simulator import Simulator
from infra.seed import Seeded, seed


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Stores in memory, a simulated internet on loopback, and the real steps between them."""

    services: Services
    seeded: Seeded
    mailbox: Mailbox
    zone: Path

    def received(self, url: str) -> list[Received]:
        """What a worker would be handed now."""
        answer = self.services.clients("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [
            Received(id=one["MessageId"], body=one["Body"], receipt=one["ReceiptHandle"], times=1)
            for one in answer.get("Messages", ())
        ]

    def send(self, *to: str, **changes: object) -> UUID:
        """Through the real first step."""
        body = {"from": "no-reply@acme.test", "to": list(to), "subject": "Your receipt", "text_body": "Thanks."}
        principal = Principal(account_id=self.seeded.account_id, key_id="k", environment=Environment.LIVE)
        return UUID(self.services.submission.accept(principal, draft.parse(body | changes), None)["id"])

    def fresh(self) -> list[Received]:
        return self.received(self.services.settings.outbound_queue_url)

    def deferred(self) -> list[Received]:
        return self.received(self.services.settings.retry_queue_url)

    def work(self, batch: list[Received], seconds: float = 60) -> list[str]:
        """One run of the delivery function; returns the ids of what is to come again."""
        return self.services.worker(self.services.settings.outbound_queue_url).run(batch, seconds)

    def deliveries(self, email_id: UUID) -> list[Delivery]:
        return self.services.deliveries.find(self.seeded.account_id, email_id)


@pytest.fixture
def world(aws: Mapping[str, str], tmp_path: Path) -> Iterator[World]:
    mailbox = Mailbox(tmp_path / "mail")
    receiver = receivers.Receiver(mailbox=mailbox, simulator=Simulator(pauses={"slow": 0.3}))
    zone_file = tmp_path / "zone.txt"
    zone_file.write_text("")
    with (
        background.held(dns.serving(zone_file, 0)) as dns_port,
        background.held(receivers.serving(receiver, tmp_path, 0)) as smtp_port,
    ):
        local = {"DNS_SERVERS": f"127.0.0.1:{dns_port}", "MX_PORT": str(smtp_port), "RETRY_WAITS": "0"}
        services = Services(Settings.from_environment({**aws, **local}))
        seeded = seed(services)
        zone_file.write_text(zone.text("postscale.test", zone.Sender(domain="acme.test", dkim=seeded.dkim_record)))
        yield World(services=services, seeded=seeded, mailbox=mailbox, zone=zone_file)

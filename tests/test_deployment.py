"""The packaged zip and template, deployed: what goes to AWS answers, works and may do no more than its roles say."""

import http.client
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import dkim
import pytest
from dns.resolver import Resolver

from chalicelib.settings import Settings
from chalicelib.wiring import Services
from infra.local import background, deployment, dns, ministack, receivers, zone
from infra.local.deployment import Deployed
from infra.local.mailbox import Mailbox
from infra.local.receivers import Receiver
from infra.seed import Seeded, seed

pytestmark = pytest.mark.journeys

PLATFORM, SENDER = "postscale.test", "acme.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """What lies around the deployed functions: somebody who sends, a DNS, somebody who receives."""

    sender: Seeded
    mailbox: Mailbox
    dns_port: int

    def received(self, recipient: str) -> bytes | None:
        for kept in self.mailbox.newest_first():
            if recipient in kept.rcpt_to and (found := self.mailbox.find(kept.id)):
                return found[1]
        return None

    def txt(self, name: bytes, timeout: int = 5) -> bytes:
        """The DNS as dkimpy asks it."""
        resolver = Resolver(configure=False)
        resolver.nameservers, resolver.port, resolver.lifetime = ["127.0.0.1"], self.dns_port, timeout
        return b"".join(resolver.resolve(name.decode(), "TXT")[0].strings)


@pytest.fixture(scope="module")
def running(local_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Deployed, Country]]:
    """Every call that a function makes is judged by its role, as in AWS."""
    state = tmp_path_factory.mktemp("country")
    mailbox, zone_file = Mailbox(state / "mail"), state / "zone.txt"
    zone_file.write_text("")
    with ExitStack() as held:
        dns_port = held.enter_context(background.held(dns.serving(zone_file, 0)))
        mx_port = held.enter_context(background.held(receivers.serving(Receiver(mailbox=mailbox), state, 0)))
        aws = held.enter_context(ministack.running(enforce_policies=True))
        local = {"MxPort": str(mx_port), "DnsServers": f"127.0.0.1:{dns_port}", "AllowLoopbackMx": "1"}
        deployed = deployment.deploy(
            local_package, aws.endpoint, {"PlatformDomain": PLATFORM, "RetryWaits": "1"} | local
        )
        with environment(deployed.environment):
            sender = seed(Services(Settings.from_environment()), SENDER)
        zone_file.write_text(zone.text(PLATFORM, zone.Sender(domain=SENDER, dkim=sender.dkim_record)))
        yield deployed, Country(sender=sender, mailbox=mailbox, dns_port=dns_port)


@pytest.fixture(scope="module")
def deployed(running: tuple[Deployed, Country]) -> Deployed:
    return running[0]


@pytest.fixture(scope="module")
def country(running: tuple[Deployed, Country]) -> Country:
    return running[1]


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Ours, for as long as the block lasts."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def ask(
    deployed: Deployed, method: str, path: str, *, headers: Mapping[str, str] = MappingProxyType({}), body: bytes = b""
) -> tuple[int, Any, Any]:
    url = urlsplit(deployed.api_url + path)
    connection = http.client.HTTPConnection(url.netloc, timeout=30)
    try:
        connection.request(method, url.path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())
    finally:
        connection.close()


def send(deployed: Deployed, country: Country, *recipients: str, text: str = "Hello.", once: str = "") -> str:
    draft = {"from": f"no-reply@{SENDER}", "to": recipients, "subject": "Hi", "text_body": text}
    headers = {"Authorization": f"Bearer {country.sender.live_key}"} | ({"Idempotency-Key": once} if once else {})
    status, _, answer = ask(deployed, "POST", "/v1/send", headers=headers, body=json.dumps(draft).encode())
    assert status == 202, answer
    return str(answer["id"])


def look_up(deployed: Deployed, country: Country, path: str) -> Any:
    status, _, answer = ask(deployed, "GET", path, headers={"Authorization": f"Bearer {country.sender.live_key}"})
    assert status == 200, answer
    return answer


def is_delivered(deployed: Deployed, country: Country, email_id: str) -> bool:
    return bool(look_up(deployed, country, f"/v1/emails/{email_id}")["email"]["status"] == "delivered")


def within(seconds: float, look: Callable[[], Any]) -> Any:
    """What `look` finds, as soon as it finds anything."""
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def last_result(deployed: Deployed, function: str) -> str:
    """How the latest batch of a worker ended, as its mapping tells."""
    client = ministack.client("lambda", deployed.endpoint)
    mappings = client.list_event_source_mappings()["EventSourceMappings"]
    (one,) = [mapping for mapping in mappings if f"-{function}-" in mapping["FunctionArn"]]
    result: str = one.get("LastProcessingResult", "")
    return result if result.startswith(("OK", "FAILED")) else ""


def test_the_stack_stands_with_all_its_functions(deployed: Deployed) -> None:
    (described,) = ministack.client("cloudformation", deployed.endpoint).describe_stacks()["Stacks"]
    assert described["StackStatus"] == "CREATE_COMPLETE"
    made = ministack.client("lambda", deployed.endpoint).list_functions()["Functions"]
    assert len(made) == 4


def test_the_api_refuses_who_shows_no_key(deployed: Deployed) -> None:
    status, headers, body = ask(deployed, "POST", "/v1/send", body=b"{}")
    assert (status, body["error"]) == (401, "unauthorized")
    assert body["message"]
    assert headers["X-Request-ID"]


def test_the_gateway_refuses_an_unknown_path_in_our_own_words(deployed: Deployed) -> None:
    status, headers, body = ask(deployed, "GET", "/v1/nothing-here")
    assert (status, body["error"]) == (404, "not_found")
    assert headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("queue", "worker"), [("OUTBOUND_QUEUE_URL", "Deliver"), ("RETRY_QUEUE_URL", "DeliverDeferred")]
)
def test_a_job_that_nobody_can_read_stays_in_its_queue(deployed: Deployed, queue: str, worker: str) -> None:
    url = deployed.environment[queue]
    ministack.client("sqs", deployed.endpoint).send_message(QueueUrl=url, MessageBody="no job")
    assert within(20, lambda: last_result(deployed, worker)) == "OK - 0 records, 1 partial failures"


def test_a_message_goes_from_the_api_to_its_recipient_and_is_counted(deployed: Deployed, country: Country) -> None:
    email_id = send(deployed, country, "ann@inbox.test")
    assert within(30, lambda: is_delivered(deployed, country, email_id))
    raw = country.received("ann@inbox.test")
    assert raw is not None
    assert dkim.verify(raw, dnsfunc=country.txt)
    assert within(20, lambda: counted(deployed).get("delivered")) == 1


def test_several_recipients_each_get_their_own(deployed: Deployed, country: Country) -> None:
    email_id = send(deployed, country, "bob@inbox.test", "cyd@inbox.test")
    assert within(30, lambda: is_delivered(deployed, country, email_id))
    assert country.received("bob@inbox.test")
    assert country.received("cyd@inbox.test")


def test_a_request_that_is_repeated_with_its_key_is_one_message(deployed: Deployed, country: Country) -> None:
    first, second = (send(deployed, country, "dan@inbox.test", once="order-1") for _ in range(2))
    assert first == second


def test_a_large_message_takes_its_content_by_way_of_the_bucket(deployed: Deployed, country: Country) -> None:
    email_id = send(deployed, country, "big@inbox.test", text=os.urandom(100_000).hex())
    assert within(30, lambda: is_delivered(deployed, country, email_id))
    bucket = deployed.environment["CONTENT_BUCKET"]
    assert ministack.client("s3", deployed.endpoint).list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_what_is_deferred_is_tried_again_by_the_other_function(deployed: Deployed, country: Country) -> None:
    email_id = send(deployed, country, "greylist@simulator.test")
    assert within(30, lambda: is_delivered(deployed, country, email_id))
    told = look_up(deployed, country, f"/v1/emails/{email_id}/events")["events"]
    kinds = [event["event_type"] for event in told]
    assert (kinds[0], set(kinds[1:-1]), kinds[-1]) == ("queued", {"deferred"}, "delivered")


def counted(deployed: Deployed) -> dict[str, int]:
    found = ministack.client("dynamodb", deployed.endpoint).scan(TableName=deployed.environment["COUNTERS_TABLE"])
    return {name: int(value["N"]) for item in found["Items"] for name, value in item.items() if "N" in value}

"""`make run` as a customer meets it: over HTTP and SMTP, judged by what the receiving server has."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from infra.local import client

pytestmark = pytest.mark.journeys

PATIENCE = 60
GOOD = {"from": "no-reply@acme.test", "to": ["ann@inbox.test"], "subject": "Your receipt", "text_body": "Thanks."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """`verifies` says whether a DKIM signature holds, with the key that the stack's DNS publishes."""

    told: dict[str, Any]
    verifies: Callable[[bytes], bool]

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        url = urlsplit(self.told["api_url"])
        link = HTTPConnection(str(url.hostname), url.port, timeout=30)
        given = {"Authorization": f"Bearer {self.told['api_key']}", "Content-Type": "application/json"} | headers
        link.request(method, path, json.dumps(body) if isinstance(body, dict) else body, given)
        answer = link.getresponse()
        status, content = answer.status, json.loads(answer.read())
        link.close()
        return status, content

    def send(self, changes: dict[str, Any], **headers: str) -> tuple[int, Any]:
        return self.call("POST", "/v1/send", GOOD | changes, **headers)

    def ended(self, email_id: str) -> Any:
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            _, got = self.call("GET", f"/v1/emails/{email_id}")
            if got["email"]["status"] not in {"queued", "deferred"}:
                return got["email"]
            time.sleep(0.1)
        pytest.fail(f"it did not end in {PATIENCE} s: {got}")

    def inbox(self, path: str = "/messages") -> bytes:
        url = urlsplit(self.told["inbox_url"])
        link = HTTPConnection(str(url.hostname), url.port, timeout=30)
        link.request("GET", path)
        content = link.getresponse().read()
        link.close()
        return content

    def received(self, email_id: str) -> list[tuple[dict[str, Any], bytes]]:
        """Envelope and raw bytes of every copy that came."""
        listed = [(kept, self.inbox(f"/messages/{kept['id']}")) for kept in json.loads(self.inbox())]
        return [(kept, raw) for kept, raw in listed if email_id.encode() in raw]


@contextmanager
def started(state: Path, package: Path) -> Iterator[Stack]:
    """`make run` on ports that are free; ends well, or the test does not."""
    with client.started(state, "--template", str(package / "sam.json"), settings={"RETRY_WAITS": "1"}) as running:
        yield Stack(told=json.loads((state / "stack.json").read_text()), verifies=running.verifies)


@pytest.fixture(scope="module")
def stack(local_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with started(tmp_path_factory.mktemp("state"), local_package) as running:
        yield running


def test_the_first_message_arrives_as_the_contract_says(stack: Stack) -> None:
    status, sent = stack.send({"subject": "Grüße ✓", "html_body": "<p>Thanks.</p>"})
    assert status == 202
    email = stack.ended(sent["id"])
    assert email["status"] == "delivered"
    ((kept, raw),) = stack.received(sent["id"])
    assert re.fullmatch(r"b-[a-z2-7]{56}@ps-bounces\.acme\.test", kept["mail_from"])
    assert kept["rcpt_to"] == ["ann@inbox.test"]
    assert kept["tls"] is True
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_dkimpy_verifies_the_received_bytes_against_the_zone(stack: Stack) -> None:
    _, sent = stack.send({})
    stack.ended(sent["id"])
    ((_, raw),) = stack.received(sent["id"])
    assert stack.verifies(raw)
    assert not stack.verifies(raw.replace(b"Thanks", b"Thinks"))


def test_every_recipient_goes_his_own_way(stack: Stack) -> None:
    _, sent = stack.send({"to": ["ann@inbox.test", "bounce@simulator.test", "greylist@simulator.test", "x@gone.test"]})
    email = stack.ended(sent["id"])
    assert [recipient["status"] for recipient in email["recipients"]] == [
        "delivered", "bounced", "delivered", "bounced",
    ]  # fmt: skip
    _, told = stack.call("GET", f"/v1/emails/{sent['id']}/events")
    assert Counter(event["event_type"] for event in told["events"]) == {
        "queued": 4, "delivered": 2, "deferred": 1, "bounced": 2,
    }  # fmt: skip
    assert len(stack.received(sent["id"])) == 2


def test_fifty_requests_at_once_with_one_key_are_one_message(stack: Stack) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: stack.send({}, **key), range(50)))
    accepted = {answer["id"] for status, answer in answers if status == 202}
    refused = {answer["error"] for status, answer in answers if status != 202}
    assert len(accepted) == 1
    assert refused <= {"idempotency_in_progress"}
    (email_id,) = accepted
    stack.ended(email_id)
    assert len(stack.received(email_id)) == 1
    assert stack.send({}, **key)[1]["id"] == email_id


def test_requests_side_by_side_do_not_see_each_other(stack: Stack) -> None:
    subjects = [f"subject {number}" for number in range(100)]
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda subject: stack.send({"subject": subject})[1], subjects))
        emails = list(threads.map(lambda answer: stack.ended(answer["id"]), answers))
    assert [email["subject"] for email in emails] == subjects


def test_what_is_sent_at_once_is_delivered_once(stack: Stack) -> None:
    answers = [stack.send({"to": [f"user{number}@inbox.test" for number in range(40)]})[1] for _ in range(3)]
    for answer in answers:
        assert stack.ended(answer["id"])["status"] == "delivered"
        copies = Counter(kept["rcpt_to"][0] for kept, _ in stack.received(answer["id"]))
        assert copies == {f"user{number}@inbox.test": 1 for number in range(40)}


def test_a_body_beside_json_is_answered_in_our_words(stack: Stack) -> None:
    for raw in (b"\xff\xfe", b"[" * 10_000, b"{}", b""):
        status, body = stack.call("POST", "/v1/send", raw)
        assert (status, set(body) >= {"error", "message"}) == (400, True)
    status, body = stack.call("POST", "/v1/send", b" " * (4 * 1024 * 1024 + 1))
    assert (status, body["error"]) == (413, "payload_too_large")
    assert stack.call("GET", "/v1/nothing")[0] == 404


def test_what_was_sent_is_still_known_after_a_restart(local_package: Path, tmp_path: Path) -> None:
    with started(tmp_path, local_package) as first:
        _, sent = first.send({})
        first.ended(sent["id"])
    assert not (tmp_path / "stack.json").exists()
    with started(tmp_path, local_package) as second:
        assert second.told["api_key"] == first.told["api_key"]
        assert second.ended(sent["id"])["status"] == "delivered"
        assert len(second.received(sent["id"])) == 1

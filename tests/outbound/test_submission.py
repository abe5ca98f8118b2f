"""The step that accepts, on moto: what stands in the tables and queues afterwards."""

import json
import secrets
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.accounts.api_keys import Environment, Principal
from chalicelib.api import draft
from chalicelib.domains.domains import Domain, Type
from chalicelib.errors import Conflict, Forbidden, Invalid
from chalicelib.events.delivery import Status
from chalicelib.outbound import queue
from chalicelib.outbound.composition import Draft
from chalicelib.outbound.idempotency import Request
from chalicelib.outbound.queue import Job
from chalicelib.settings import Settings
from chalicelib.wiring import Services
from tests.events import made

pytestmark = pytest.mark.steps

LIVE = Principal(account_id="abcdefgh", key_id="k", environment=Environment.LIVE)
TEST = replace(LIVE, environment=Environment.TEST)
READY = Domain(
    account_id="abcdefgh",
    name="acme.test",
    id="0d9c6c1e-7a52-4b0e-9f8a-2f5b8f0c1a11",
    type=Type.OUTBOUND,
    active=True,
    verified=frozenset({"ownership", "spf", "dkim"}),
    selector="postscale",
)


def asked(**changes: Any) -> Draft:
    body = {"from": "no-reply@acme.test", "to": ["ann@inbox.test"], "subject": "Hi", "text_body": "Hello."}
    return draft.parse(body | changes)


@pytest.fixture
def services(aws: dict[str, str]) -> Services:
    services = Services(Settings.from_environment(aws))
    services.domains.put(READY)
    return services


def jobs(services: Services) -> list[Job]:
    found: list[Job] = []
    while True:
        answer = services.clients("sqs").receive_message(
            QueueUrl=services.settings.outbound_queue_url, MaxNumberOfMessages=10
        )
        if not answer.get("Messages"):
            return found
        found += [queue.decode(message["Body"]) for message in answer["Messages"]]


def test_an_accepted_message_stands_in_the_log_and_in_the_queue(services: Services) -> None:
    answer = services.submission.accept(LIVE, asked(), None)
    (job,) = jobs(services)
    (delivery,) = services.deliveries.find("abcdefgh", job.email_id)
    assert answer == {
        "id": str(job.email_id),
        "message_id": f"{job.email_id}@acme.test",
        "status": "queued",
        "environment": "live",
    }
    assert (delivery.status, delivery.address, job.recipient) == (Status.QUEUED, "ann@inbox.test", "ann@inbox.test")
    assert b"Hello." in services.outbox.message(job)


def test_each_recipient_has_a_delivery_and_a_job(services: Services) -> None:
    everybody = [f"user{n}@inbox.test" for n in range(30)]
    services.submission.accept(LIVE, asked(to=everybody), None)
    sent = jobs(services)
    assert sorted(job.recipient for job in sent) == sorted(everybody)
    assert [d.address for d in services.deliveries.find("abcdefgh", sent[0].email_id)] == everybody


def test_a_large_message_travels_beside_its_jobs(services: Services) -> None:
    noise = secrets.token_hex(100_000)
    services.submission.accept(LIVE, asked(text_body=noise, to=["a@inbox.test", "b@inbox.test"]), None)
    first, second = jobs(services)
    assert first.object is not None
    assert first.object == second.object == f"content/{first.object.split('/')[1]}/{first.email_id}"
    assert services.outbox.message(first) == services.outbox.message(second)


def test_a_test_key_records_and_sends_nothing(services: Services) -> None:
    answer = services.submission.accept(TEST, asked(), None)
    assert (answer["status"], answer["environment"]) == ("simulated", "test")
    assert jobs(services) == []


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"verified": frozenset()}, ["ownership", "spf", "dkim"]),
        ({"verified": frozenset({"ownership", "spf"})}, ["dkim"]),
        ({"type": Type.INBOUND}, ["type"]),
        ({"active": False}, ["active"]),
    ],
)
def test_a_domain_that_is_not_ready_may_not_send_and_is_told_why(
    services: Services, change: dict[str, Any], missing: list[str]
) -> None:
    services.domains.put(replace(READY, **change))
    with pytest.raises(Forbidden) as refused:
        services.submission.accept(LIVE, asked(), None)
    assert refused.value.code == "domain_not_verified"
    assert refused.value.details["missing"] == missing
    assert jobs(services) == []


def test_another_accounts_domain_is_no_domain(services: Services) -> None:
    with pytest.raises(Forbidden) as refused:
        services.submission.accept(replace(LIVE, account_id="hgfedcba"), asked(), None)
    assert refused.value.details["missing"] == ["domain"]


def test_the_same_request_again_is_answered_the_same_and_sent_once(services: Services) -> None:
    once = Request.of(LIVE, "key-1", b"body")
    first = services.submission.accept(LIVE, asked(), once)
    assert services.submission.accept(LIVE, asked(), once) == first
    assert len(jobs(services)) == 1


def test_the_first_answer_stands_even_when_the_domain_has_lost_its_records(services: Services) -> None:
    once = Request.of(LIVE, "key-1", b"body")
    first = services.submission.accept(LIVE, asked(), once)
    services.domains.put(replace(READY, active=False))
    assert services.submission.accept(LIVE, asked(), once) == first


def test_the_same_key_with_another_body_is_a_conflict(services: Services) -> None:
    services.submission.accept(LIVE, asked(), Request.of(LIVE, "key-1", b"body"))
    with pytest.raises(Conflict) as refused:
        services.submission.accept(LIVE, asked(), Request.of(LIVE, "key-1", b"other"))
    assert refused.value.code == "idempotency_conflict"


def test_the_same_key_in_the_other_environment_is_another_key(services: Services) -> None:
    first = services.submission.accept(LIVE, asked(), Request.of(LIVE, "key-1", b"body"))
    second = services.submission.accept(TEST, asked(), Request.of(TEST, "key-1", b"body"))
    assert first["id"] != second["id"]


def test_while_the_first_is_being_answered_the_second_is_asked_to_wait(services: Services) -> None:
    once = Request.of(LIVE, "key-1", b"body")
    email_id = services.submission.requests.claim(once, made.EMAIL_ID, now=services.submission.clock()).email_id
    with pytest.raises(Conflict) as refused:
        services.submission.accept(LIVE, asked(), once)
    assert refused.value.code == "idempotency_in_progress"
    assert refused.value.details["retry_after_seconds"] == 1
    assert services.deliveries.find("abcdefgh", email_id) == []


def test_a_crash_at_any_step_is_completed_by_the_repetition_with_the_same_id(services: Services) -> None:
    once = Request.of(LIVE, "key-1", b"body")
    long_ago = services.submission.clock() - 100
    email_id = services.submission.requests.claim(once, made.EMAIL_ID, now=long_ago).email_id
    answer = services.submission.accept(LIVE, asked(), once)
    assert answer["id"] == str(email_id)
    assert [job.email_id for job in jobs(services)] == [email_id]


def test_a_repetition_does_not_set_back_a_delivery_that_has_moved_on(services: Services) -> None:
    services.submission.accept(LIVE, asked(), None)
    (job,) = jobs(services)
    (delivery,) = services.deliveries.find("abcdefgh", job.email_id)
    moved = replace(delivery, status=Status.DELIVERED, concluded=1)
    services.deliveries.table.put(moved.to_item())
    services.deliveries.create([delivery], fresh=False)
    assert services.deliveries.find("abcdefgh", job.email_id) == [moved]


def test_a_log_item_of_one_recipient_is_under_one_kilobyte(services: Services) -> None:
    services.submission.accept(LIVE, asked(subject="S" * 78), None)
    (job,) = jobs(services)
    (delivery,) = services.deliveries.find("abcdefgh", job.email_id)
    assert len(json.dumps(delivery.to_item())) < 1024


def test_a_claim_whose_answer_was_lost_is_still_ours(services: Services) -> None:
    once = Request.of(LIVE, "key-1", b"body")
    now = services.submission.clock()
    for _ in range(2):
        claim = services.submission.requests.claim(once, made.EMAIL_ID, now=now)
        assert (claim.email_id, claim.fresh, claim.answer) == (made.EMAIL_ID, True, None)


def test_a_message_that_cannot_be_composed_does_not_use_up_its_key(services: Services) -> None:
    with pytest.raises(Invalid):
        services.submission.accept(LIVE, asked(subject="a\rb"), Request.of(LIVE, "key-1", b"bad"))
    services.submission.accept(LIVE, asked(), Request.of(LIVE, "key-1", b"good"))
    assert len(jobs(services)) == 1


def test_a_large_message_is_an_object_however_small_it_packs(services: Services) -> None:
    services.submission.accept(LIVE, asked(text_body="a" * 3_000_000), None)
    (job,) = jobs(services)
    assert job.object

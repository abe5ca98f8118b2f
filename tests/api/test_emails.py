"""The HTTP door, called as API Gateway calls it, on moto."""

import base64
import json
import secrets
import time
from typing import Any

import pytest

import app
from chalicelib.accounts.api_keys import Environment
from chalicelib.wiring import Services
from infra.seed import Seeded

pytestmark = pytest.mark.steps

Answer = tuple[int, dict[str, Any], dict[str, str]]
GOOD = {"from": "no-reply@acme.test", "to": ["ann@inbox.test"], "subject": "Hi", "text_body": "Hello."}


def call(method: str, resource: str, key: str | None, body: Any = None, **given: Any) -> Answer:
    """One request; `given`: path parameters by name, and `headers`."""
    headers = {"content-type": "application/json"} | given.pop("headers", {})
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    event = {
        "requestContext": {"httpMethod": method, "resourcePath": resource, "requestId": "r-1"},
        "headers": headers,
        "pathParameters": given or None,
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "body": json.dumps(body) if isinstance(body, dict) else body,
    }
    answer = app.app(event, None)
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def send(key: str | None, body: Any = GOOD, **headers: str) -> Answer:
    return call("POST", "/v1/send", key, body, headers=headers)


def test_a_message_is_accepted_and_can_be_looked_up(seeded: Seeded) -> None:
    status, sent, headers = send(seeded.live_key)
    assert (status, sent["status"], sent["environment"]) == (202, "queued", "live")
    assert sent["message_id"].endswith("@acme.test")
    assert headers["X-Request-ID"] == "r-1"
    assert headers["Content-Type"] == "application/json"
    status, got, _ = call("GET", "/v1/emails/{email_id}", seeded.live_key, email_id=sent["id"])
    assert status == 200
    assert got["email"]["subject"] == "Hi"
    assert got["email"]["recipients"][0]["address"] == "ann@inbox.test"
    status, told, _ = call("GET", "/v1/emails/{email_id}/events", seeded.live_key, email_id=sent["id"])
    assert [event["event_type"] for event in told["events"]] == ["queued"]


def test_times_are_rfc_3339_in_utc(seeded: Seeded) -> None:
    _, sent, _ = send(seeded.live_key)
    _, got, _ = call("GET", "/v1/emails/{email_id}", seeded.live_key, email_id=sent["id"])
    assert got["email"]["created_at"].endswith("Z")
    assert got["email"]["created_at"][:4] == time.strftime("%Y", time.gmtime())


@pytest.mark.parametrize("key", [None, "", "ps_live_wrong", "ps_test_"])
def test_no_route_answers_without_a_key_of_ours(seeded: Seeded, key: str | None) -> None:
    for resource, methods in app.app.routes.items():
        for method in methods:
            parameters = {"email_id": "x"} if "{email_id}" in resource else {}
            status, body, headers = call(method, resource, key, "{}", **parameters)
            assert (status, body["error"]) == (401, "unauthorized")
            assert "X-Request-ID" in headers


def test_a_scheme_other_than_bearer_is_no_key(seeded: Seeded) -> None:
    assert send(None, GOOD, authorization=f"Basic {seeded.live_key}")[0] == 401


def test_another_accounts_message_is_as_absent_as_one_that_never_was(services: Services, seeded: Seeded) -> None:
    _, sent, _ = send(seeded.live_key)
    other = services.accounts.create("Other", now=time.time()).id
    key, _ = services.api_keys.create(other, Environment.LIVE, now=time.time())
    for resource in ("/v1/emails/{email_id}", "/v1/emails/{email_id}/events"):
        theirs = call("GET", resource, key, email_id=sent["id"])
        absent = call("GET", resource, key, email_id="019aa5d4-7a00-7abc-8def-0123456789a5")
        garbage = call("GET", resource, key, email_id="../../x")
        assert theirs == absent == garbage
        assert theirs[0] == 404


@pytest.mark.parametrize(
    "raw", ["", "null", "[]", "{", '{"a":NaN}', "\x00", "\ufeff{}", '{"from":"\\ud800"}', "[" * 50_000, "9" * 5000]
)
def test_any_body_is_answered_in_our_words_within_a_second(seeded: Seeded, raw: str) -> None:
    started = time.monotonic()
    status, body, _ = send(seeded.live_key, raw)
    assert status == 400
    assert set(body) >= {"error", "message"}
    assert time.monotonic() - started < 1


def test_what_the_gateway_marks_as_binary_is_read_as_what_it_is(seeded: Seeded) -> None:
    event_body = base64.b64encode(json.dumps(GOOD).encode()).decode()
    event = {
        "requestContext": {"httpMethod": "POST", "resourcePath": "/v1/send"},
        "headers": {"authorization": f"Bearer {seeded.live_key}"},
        "pathParameters": None,
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "body": event_body,
        "isBase64Encoded": True,
    }
    assert app.app(event, None)["statusCode"] == 202
    assert app.app(event | {"body": "!"}, None)["statusCode"] == 400


def test_a_domain_of_somebody_else_may_not_send(seeded: Seeded) -> None:
    status, body, _ = send(seeded.live_key, GOOD | {"from": "a@other.test"})
    assert (status, body["error"], body["missing"]) == (403, "domain_not_verified", ["domain"])


def test_an_idempotency_key_answers_the_second_time_as_the_first(seeded: Seeded) -> None:
    first = send(seeded.live_key, GOOD, **{"idempotency-key": "k"})
    assert send(seeded.live_key, GOOD, **{"idempotency-key": "k"})[:2] == first[:2]
    status, body, _ = send(seeded.live_key, GOOD | {"subject": "Other"}, **{"idempotency-key": "k"})
    assert (status, body["error"]) == (409, "idempotency_conflict")


@pytest.mark.parametrize("key", ["", "x" * 256, "café", "a\tb"])
def test_an_idempotency_key_that_is_none_is_refused(seeded: Seeded, key: str) -> None:
    assert send(seeded.live_key, GOOD, **{"idempotency-key": key})[0] == 400


def test_a_test_key_simulates(seeded: Seeded) -> None:
    status, body, _ = send(seeded.test_key)
    assert (status, body["status"], body["environment"]) == (202, "simulated", "test")


LARGE = GOOD | {"text_body": secrets.token_hex(100_000)}


def away(services: Services, service: str) -> None:
    """Take away what the service needs there, as an outage would."""
    settings, clients = services.settings, services.clients
    match service:
        case "sqs":
            clients("sqs").delete_queue(QueueUrl=settings.outbound_queue_url)
        case "s3":
            clients("s3").delete_bucket(Bucket=settings.content_bucket)
        case "deliveries":
            clients("dynamodb").delete_table(TableName=settings.deliveries_table)
        case "idempotency":
            clients("dynamodb").delete_table(TableName=settings.idempotency_table)


@pytest.mark.parametrize("service", ["sqs", "s3", "deliveries", "idempotency"])
def test_while_a_store_is_down_nothing_is_accepted_and_the_caller_may_retry(
    services: Services, seeded: Seeded, capsys: pytest.CaptureFixture[str], service: str
) -> None:
    away(services, service)
    status, body, headers = send(seeded.live_key, LARGE, **{"idempotency-key": "k"})
    assert (status, body["error"], headers["Retry-After"]) == (503, "service_unavailable", "2")
    assert "try again" in body["message"]
    assert '"error":"Unavailable' in capsys.readouterr().out
    if service != "sqs":
        queued = services.clients("sqs").receive_message(QueueUrl=services.settings.outbound_queue_url)
        assert "Messages" not in queued


def test_what_could_not_be_queued_is_not_sent_later(services: Services, seeded: Seeded) -> None:
    away(services, "sqs")
    send(seeded.live_key)
    items = services.clients("dynamodb").scan(TableName=services.settings.deliveries_table)["Items"]
    assert [item["status"]["S"] for item in items] == ["failed"]


def test_no_key_and_no_address_stands_in_a_log_line(
    services: Services, seeded: Seeded, capsys: pytest.CaptureFixture[str]
) -> None:
    away(services, "sqs")
    send(seeded.live_key)
    logged = capsys.readouterr().out
    assert seeded.live_key not in logged
    assert "ann@inbox.test" not in logged

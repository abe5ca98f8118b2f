"""Events as Lambda makes them of messages and records, and AWS's rules for reading the answer."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local import lambda_events

QUEUE = "arn:aws:sqs:us-east-1:000000000000:outbound"
IDS = ["a", "b", "c"]


def test_a_message_has_the_shape_that_lambda_gives_it() -> None:
    received = {
        "MessageId": "1",
        "ReceiptHandle": "r",
        "Body": "{}",
        "MD5OfBody": "99914b93",
        "Attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "1", "MessageGroupId": "acct"},
        "MessageAttributes": {"kind": {"DataType": "Binary", "BinaryValue": b"\xff"}},
    }
    (record,) = lambda_events.of_messages([received], QUEUE)["Records"]
    assert record == {
        "messageId": "1",
        "receiptHandle": "r",
        "body": "{}",
        "md5OfBody": "99914b93",
        "attributes": received["Attributes"],
        "messageAttributes": {
            "kind": {"dataType": "Binary", "binaryValue": "/w==", "stringListValues": [], "binaryListValues": []}
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": QUEUE,
        "awsRegion": "us-east-1",
    }


def test_a_record_is_json_whatever_boto3_made_of_it() -> None:
    change = {
        "ApproximateCreationDateTime": datetime.fromtimestamp(7, UTC),
        "SequenceNumber": "1",
        "NewImage": {"raw": {"B": b"\x00\xff"}, "list": {"L": [{"B": b"a"}]}, "yes": {"BOOL": True}},
    }
    event = lambda_events.of_changes([{"eventName": "INSERT", "dynamodb": change}], "arn:stream")
    (record,) = json.loads(json.dumps(event))["Records"]
    assert record["eventSourceARN"] == "arn:stream"
    assert record["dynamodb"]["ApproximateCreationDateTime"] == 7
    assert record["dynamodb"]["NewImage"] == {
        "raw": {"B": "AP8="},
        "list": {"L": [{"B": "YQ=="}]},
        "yes": {"BOOL": True},
    }


def failing(*identifiers: object) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


@pytest.mark.parametrize("answer", [None, {}, "", {"batchItemFailures": []}, {"batchItemFailures": None}, failing()])
def test_naming_nothing_is_success(answer: object) -> None:
    assert lambda_events.failures(answer, IDS) == frozenset()


def test_what_is_named_failed_and_nothing_else() -> None:
    assert lambda_events.failures(failing("b", "b"), IDS) == {"b"}


@pytest.mark.parametrize(
    "answer",
    [
        failing("x"),
        failing(""),
        failing(None),
        failing("a", "x"),
        {"batchItemFailures": [{"item": "a"}]},
        {"batchItemFailures": ["a"]},
        {"batchItemFailures": 7},
        {"batchItemFailures": [{"itemIdentifier": []}]},
        "text",
        [1],
    ],
)
def test_an_answer_that_cannot_be_understood_means_that_all_failed(answer: object) -> None:
    assert lambda_events.failures(answer, IDS) == frozenset(IDS)

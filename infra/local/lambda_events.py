"""What Lambda's event source mappings hand to a function, and how they read its answer.

The rules of the answer are AWS's ("Reporting batch item failures"): nothing named means that all went well;
an answer that cannot be understood, or an exception, means that all failed.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

Event = dict[str, Any]


def of_messages(messages: Sequence[Mapping[str, Any]], queue_arn: str) -> Event:
    """From what SQS's ReceiveMessage answered."""
    return {"Records": [_message(message, queue_arn) for message in messages]}


def of_changes(records: Sequence[Mapping[str, Any]], stream_arn: str) -> Event:
    """From what DynamoDB Streams' GetRecords answered."""
    return {"Records": [{**_plain(record), "eventSourceARN": stream_arn} for record in records]}


def failures(answer: Any, identifiers: Sequence[str]) -> frozenset[str]:
    """Which of `identifiers` the function reports as failed; all of them when it names another one, or none at all."""
    if not answer:
        return frozenset()
    try:
        named = frozenset(entry["itemIdentifier"] for entry in answer.get("batchItemFailures") or ())
    except (AttributeError, KeyError, TypeError):
        return frozenset(identifiers)
    return named if named <= frozenset(identifiers) else frozenset(identifiers)


def _message(message: Mapping[str, Any], queue_arn: str) -> Event:
    attributes = message.get("MessageAttributes", {})
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {name: _attribute(value) for name, value in attributes.items()},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def _attribute(value: Mapping[str, Any]) -> Event:
    names = {"StringValue": "stringValue", "BinaryValue": "binaryValue", "DataType": "dataType"}
    told = {names[name]: _plain(each) for name, each in value.items() if name in names}
    return told | {"stringListValues": [], "binaryListValues": []}


def _plain(value: Any) -> Any:
    """What boto3 made of a record, as JSON says it: octets in base64, times in seconds."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return value.timestamp()
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
    return value

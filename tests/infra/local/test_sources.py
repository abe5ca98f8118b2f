"""What is read from a packaged template about functions and their sources."""

from typing import Any

import pytest

from infra.local import sources

ENVIRONMENT = {"OUTBOUND_QUEUE_URL": "http://aws/outbound", "DELIVERIES_TABLE": "deliveries"}


def function(name: str, events: dict[str, Any], timeout: object = 60) -> dict[str, Any]:
    properties = {"Handler": f"app.{name}", "Timeout": timeout, "MemorySize": 256, "Events": events}
    return {"Type": "AWS::Serverless::Function", "Properties": properties}


def packaged(queue: dict[str, Any], stream: dict[str, Any]) -> dict[str, Any]:
    return {
        "Parameters": {"Timeout": {"Default": 900}, "Concurrency": {"Default": "3"}},
        "Outputs": {
            "OutboundQueueUrl": {"Value": {"Ref": "OutboundQueue"}},
            "DeliveriesTable": {"Value": {"Ref": "DeliveriesTable"}},
            "RestAPIId": {"Value": {"Ref": "RestAPI"}},
            "EndpointURL": {"Value": {"Fn::Sub": "https://${RestAPI}"}},
        },
        "Resources": {
            "Deliver": function("deliver", {"Q": {"Type": "SQS", "Properties": queue}}, {"Ref": "Timeout"}),
            "PublishEvents": function("publish_events", {"S": {"Type": "DynamoDB", "Properties": stream}}),
            "Plain": function("plain", {}),
            "OutboundQueue": {"Type": "AWS::SQS::Queue"},
        },
    }


QUEUE = {"Queue": {"Fn::GetAtt": ["OutboundQueue", "Arn"]}, "BatchSize": 10}
STREAM = {"Stream": {"Fn::GetAtt": ["DeliveriesTable", "StreamArn"]}, "BatchSize": 100}


def test_a_queue_is_found_by_the_setting_that_names_it() -> None:
    scaled = QUEUE | {"ScalingConfig": {"MaximumConcurrency": {"Ref": "Concurrency"}}}
    (queue,), _ = sources.read(packaged(scaled, STREAM), ENVIRONMENT)
    assert (queue.url, queue.batch_size, queue.concurrency, queue.partial) == ("http://aws/outbound", 10, 3, False)
    assert (queue.function.handler, queue.function.timeout) == ("app.deliver", 900)


def test_partial_failures_count_only_where_the_template_says_so() -> None:
    reporting = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
    (queue,), (stream,) = sources.read(packaged(QUEUE | reporting, STREAM | reporting), ENVIRONMENT)
    assert queue.partial
    assert stream.partial


def test_a_stream_has_its_table_and_its_filters() -> None:
    filtered = STREAM | {"FilterCriteria": {"Filters": [{"Pattern": '{"eventName":["INSERT"]}'}]}}
    _, (stream,) = sources.read(packaged(QUEUE, filtered), ENVIRONMENT)
    assert (stream.table, stream.batch_size, stream.patterns) == ("deliveries", 100, ({"eventName": ["INSERT"]},))


def test_a_setting_that_is_missing_is_named() -> None:
    with pytest.raises(KeyError, match="OUTBOUND_QUEUE_URL"):
        sources.read(packaged(QUEUE, STREAM), {})

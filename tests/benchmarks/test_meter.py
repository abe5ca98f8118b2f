from collections.abc import Mapping
from typing import Any

import pytest
from boto3.session import Session

from benchmarks import meter
from benchmarks.meter import Exchange, Meter
from benchmarks.prices import Charge, Unpriced
from chalicelib.aws.tables import Table
from chalicelib.settings import Settings
from chalicelib.wiring import Services

KEY = ("account#a", "domain#acme.test")


def exchange(**asked: Any) -> Exchange:
    return Exchange(asked=asked, answer={}, before={}, after={})


@pytest.mark.parametrize(
    ("bodies", "requests"), [(["x"], 1), (["x" * 65536], 1), (["x" * 65537], 2), (["x" * 40_000] * 10, 7)]
)
def test_a_queue_charges_by_64_kilobytes_of_a_request(bodies: list[str], requests: int) -> None:
    entries = [{"MessageBody": body, "MessageGroupId": "a"} for body in bodies]
    usage = meter.charged("sqs", "SendMessageBatch", exchange(Entries=entries))
    assert usage == {Charge.QUEUE_REQUEST: requests, Charge.FAIR_REQUEST: requests}


def test_without_a_group_there_is_no_charge_for_fairness() -> None:
    usage = meter.charged("sqs", "SendMessageBatch", exchange(Entries=[{"MessageBody": "x"}]))
    assert usage[Charge.FAIR_REQUEST] == 0


def test_a_poller_receives_and_deletes() -> None:
    assert meter.received(3_000) == {Charge.QUEUE_REQUEST: 2}
    assert meter.received(65_537) == {Charge.QUEUE_REQUEST: 3}


def test_what_is_written_together_costs_double() -> None:
    weights: Mapping[meter.Place, int | None] = {("t", "a", "b"): 100}
    told = Exchange(asked={}, answer={}, before=weights, after={("t", "a", "b"): 1500})
    assert meter.charged("dynamodb", "PutItem", told) == {Charge.WRITE_UNIT: 2}
    assert meter.charged("dynamodb", "TransactWriteItems", told) == {Charge.WRITE_UNIT: 4}


def test_a_read_that_hides_what_it_read_is_refused() -> None:
    with pytest.raises(Unpriced):
        meter.charged("dynamodb", "GetItem", exchange(ProjectionExpression="pk"))


@pytest.mark.steps
def test_the_meter_hears_every_call_of_the_code(aws: Mapping[str, str]) -> None:
    services = Services(Settings.from_environment(aws))
    heard = Meter(Session().client("dynamodb"))
    heard.attach(services.clients)
    table = Table(services.clients, aws["DOMAINS_TABLE"])
    table.put({"pk": KEY[0], "sk": KEY[1], "text": "x" * 2000})
    table.update(KEY, "SET #text = :text", {"text": "short"})
    table.get(KEY, consistent=True)
    calls = heard.calls()
    assert [(call.operation, dict(call.usage)) for call in calls] == [
        ("PutItem", {Charge.WRITE_UNIT: 2}),
        ("UpdateItem", {Charge.WRITE_UNIT: 2}),
        ("GetItem", {Charge.READ_UNIT: 1}),
    ]
    assert {call.about for call in calls} == {f"{aws['DOMAINS_TABLE']}/domain"}
    assert heard.calls() == []


@pytest.mark.steps
def test_a_call_without_a_rule_is_told_when_the_bill_is_asked_for(aws: Mapping[str, str]) -> None:
    services = Services(Settings.from_environment(aws))
    heard = Meter(Session().client("dynamodb"))
    heard.attach(services.clients)
    services.clients("dynamodb").scan(TableName=aws["DOMAINS_TABLE"])
    with pytest.raises(Unpriced, match="Scan"):
        heard.calls()

"""Every call of AWS by the functions, with what it is charged for, whatever the AWS is that answers.

The meter listens to boto3's own events, so nothing is replaced in what is measured. What an item weighed before
and after a write it reads from the table by a client of its own, and counts by AWS's rules (sizes.py). A call
that has no rule here is an `Unpriced`, told when the calls are asked for: raised inside the functions,
they would catch it.
"""

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks import prices, sizes
from benchmarks.prices import Charge, Unpriced, Usage

_QUEUE_OCTETS = 64 * 1024
_BUS_OCTETS = 64 * 1024
Place = tuple[str, str, str]
"""Table, pk, sk."""
Asked = Mapping[str, Any]
Weights = Mapping[Place, int | None]
"""Octets of the items that a call writes; None for one that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`about` is the table and the kind of item, or the resource, that was asked for."""

    service: str
    operation: str
    about: str
    usage: Usage
    thread: int

    @property
    def name(self) -> str:
        return f"{self.service} {self.operation} {self.about}".strip()

    @property
    def wait(self) -> float:
        return prices.SERVICE_WAITS[self.service]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One call: what was asked and answered, and the weights around it."""

    asked: Asked
    answer: Mapping[str, Any]
    before: Weights
    after: Weights


class _Clients(Protocol):
    def __call__(self, service: str) -> Any: ...


class Meter:
    def __init__(self, dynamodb: Any) -> None:
        """`dynamodb` is a client that nobody listens to."""
        self._dynamodb = dynamodb
        self._calls: list[Call] = []
        self._failures: list[Exception] = []

    def attach(self, clients: _Clients) -> None:
        """Listen to the clients of every service that has a price; there are no others (tests/benchmarks)."""
        for service in prices.SERVICE_WAITS:
            client = clients(service)
            event = client.meta.service_model.service_id.hyphenize()
            client.meta.events.register(f"before-parameter-build.{event}", self._before)
            client.meta.events.register(f"after-call.{event}", self._after)

    def calls(self) -> Sequence[Call]:
        """Those since it was last asked."""
        if self._failures:
            raise self._failures[0]
        taken, self._calls = self._calls, []
        return taken

    def _before(self, params: Asked, model: Any, context: dict[str, Any], **_: Any) -> None:
        with self._told():
            context["metered"] = params, self._weigh(written(model.name, params))

    def _after(self, model: Any, parsed: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        with self._told():
            params, before = context["metered"]
            exchange = Exchange(asked=params, answer=parsed, before=before, after=self._weigh(before))
            service = model.service_model.service_name
            call = Call(
                service=service,
                operation=model.name,
                about=about(params),
                usage=charged(service, model.name, exchange),
                thread=threading.get_ident(),
            )
            self._calls.append(call)

    def _weigh(self, places: Iterator[Place] | Weights) -> Weights:
        return {place: self._weight(place) for place in places}

    def _weight(self, place: Place) -> int | None:
        table, pk, sk = place
        found = self._dynamodb.get_item(TableName=table, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True)
        return sizes.item_size(found["Item"]) if "Item" in found else None

    def _told(self) -> "_Kept":
        return _Kept(self._failures)


class _Kept:
    """Keeps what is raised inside, and lets the call go on."""

    def __init__(self, failures: list[Exception]) -> None:
        self._failures = failures

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, failure: BaseException | None, _trace: object) -> bool:
        if isinstance(failure, Exception):
            self._failures.append(failure)
            return True
        return False


def charged(service: str, operation: str, exchange: Exchange) -> Usage:
    rule = RULES.get((service, operation))
    if rule is None:
        raise Unpriced(f"{service} {operation} is called, and no rule says what it costs")
    return rule(exchange)


def written(operation: str, asked: Asked) -> Iterator[Place]:
    """The items that a call writes."""
    match operation:
        case "PutItem":
            yield _place(asked["TableName"], asked["Item"])
        case "UpdateItem" | "DeleteItem":
            yield _place(asked["TableName"], asked["Key"])
        case "BatchWriteItem":
            for table, requests in asked["RequestItems"].items():
                for request in requests:
                    yield _place(table, request["PutRequest"]["Item"])
        case "TransactWriteItems":
            for each in asked["TransactItems"]:
                yield _place(each["Put"]["TableName"], each["Put"]["Item"])


def about(asked: Asked) -> str:
    """The kind of an item is what its sort key begins with, where that says a kind."""
    if "TableName" in asked:
        sort_key = (asked.get("Key") or asked.get("Item") or {}).get("sk", {}).get("S", "")
        kind = sort_key.partition("#")[0]
        return f"{asked['TableName']}/{kind}" if kind.isalpha() else str(asked["TableName"])
    return str(asked.get("QueueUrl", "")).rpartition("/")[2]


def _place(table: str, item: Asked) -> Place:
    return table, item["pk"]["S"], item["sk"]["S"]


def _writes(exchange: Exchange) -> Usage:
    """A condition that did not hold costs the same."""
    weights = ((exchange.before[place], exchange.after[place]) for place in exchange.before)
    return {Charge.WRITE_UNIT: sum(sizes.write_units(*pair) for pair in weights)}


def _writes_together(exchange: Exchange) -> Usage:
    return prices.scaled(_writes(exchange), 2)


def _reads(exchange: Exchange) -> Usage:
    if {"ProjectionExpression", "FilterExpression", "IndexName"} & exchange.asked.keys():
        raise Unpriced("what was read cannot be told from what was answered")
    answer = exchange.answer
    items = [answer["Item"]] if "Item" in answer else answer.get("Items", ())
    octets = sum(map(sizes.item_size, items))
    return {Charge.READ_UNIT: sizes.read_units(octets, consistent=bool(exchange.asked.get("ConsistentRead")))}


def _sends(exchange: Exchange) -> Usage:
    """A request of many messages is charged by the octets of all; for fair queues, the request and not the message."""
    entries = exchange.asked["Entries"]
    chunks = _chunks(sum(len(entry["MessageBody"].encode()) for entry in entries), _QUEUE_OCTETS)
    fair = chunks if any("MessageGroupId" in entry for entry in entries) else 0
    return {Charge.QUEUE_REQUEST: chunks, Charge.FAIR_REQUEST: fair}


def _tells(exchange: Exchange) -> Usage:
    chunks = (_chunks(len(entry["Detail"].encode()), _BUS_OCTETS) for entry in exchange.asked["Entries"])
    return {Charge.BUS_EVENT: sum(chunks)}


def received(octets: int) -> Usage:
    """What the queue's poller spends on a batch that it hands over: receiving it, and deleting it afterwards."""
    return {Charge.QUEUE_REQUEST: _chunks(octets, _QUEUE_OCTETS) + 1}


def _chunks(octets: int, size: int) -> int:
    return max(1, math.ceil(octets / size))


def _one(charge: Charge) -> Callable[[Exchange], Usage]:
    return lambda _: {charge: 1}


RULES: Mapping[tuple[str, str], Callable[[Exchange], Usage]] = {
    ("dynamodb", "GetItem"): _reads,
    ("dynamodb", "Query"): _reads,
    ("dynamodb", "PutItem"): _writes,
    ("dynamodb", "UpdateItem"): _writes,
    ("dynamodb", "BatchWriteItem"): _writes,
    ("dynamodb", "TransactWriteItems"): _writes_together,
    ("sqs", "SendMessageBatch"): _sends,
    ("sqs", "ChangeMessageVisibility"): _one(Charge.QUEUE_REQUEST),
    ("s3", "PutObject"): _one(Charge.OBJECT_WRITE),
    ("s3", "GetObject"): _one(Charge.OBJECT_READ),
    ("kms", "Encrypt"): _one(Charge.KMS_REQUEST),
    ("kms", "Decrypt"): _one(Charge.KMS_REQUEST),
    ("secretsmanager", "GetSecretValue"): _one(Charge.SECRET_REQUEST),
    ("events", "PutEvents"): _tells,
}

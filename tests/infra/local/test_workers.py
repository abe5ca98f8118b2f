"""Queues and streams feed their functions by Lambda's rules: against MiniStack, with functions of the test's own."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.local import filters, ministack
from infra.local.invocation import Context
from infra.local.queue_worker import QueueWorker
from infra.local.sources import Function, QueueSource, StreamSource
from infra.local.stream_worker import StreamWorker

pytestmark = pytest.mark.journeys

FUNCTION = Function(name="Trial", handler="none", timeout=30, memory=256)
Event = Mapping[str, Any]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with ministack.running() as aws:
        yield aws.endpoint


class Seen:
    """A function that remembers what it was given, and fails as it is told to."""

    def __init__(self, answer: Callable[[Event], Any] = lambda _: None) -> None:
        self.events: list[Event] = []
        self.contexts: list[Context] = []
        self._answer = answer

    def __call__(self, event: Event, context: Context) -> Any:
        self.events.append(event)
        self.contexts.append(context)
        return self._answer(event)

    @property
    def bodies(self) -> list[str]:
        return [record["body"] for event in self.events for record in event["Records"]]

    @property
    def keys(self) -> list[str]:
        return [record["dynamodb"]["Keys"]["pk"]["S"] for event in self.events for record in event["Records"]]


def until(holds: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


# ── queues ──────────────────────────────────────────────────────────────────────────────────────────────────


class Queue:
    def __init__(self, endpoint: str, name: str, visibility: int) -> None:
        self.sqs = ministack.client("sqs", endpoint)
        self.url = self.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(visibility)})["QueueUrl"]

    def send(self, *bodies: str) -> None:
        entries = [{"Id": str(n), "MessageBody": body, "MessageGroupId": "acct"} for n, body in enumerate(bodies)]
        self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)

    def worker(self, handler: Seen, *, concurrency: int = 1, partial: bool = True) -> QueueWorker:
        source = QueueSource(function=FUNCTION, url=self.url, batch_size=10, concurrency=concurrency, partial=partial)
        return QueueWorker(source=source, handler=handler, sqs=self.sqs)

    def is_empty(self) -> bool:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return all(told[name] == "0" for name in names)


@pytest.fixture
def queue(endpoint: str, request: pytest.FixtureRequest) -> Queue:
    return Queue(endpoint, str(abs(hash(request.node.name))), visibility=1)


def test_what_succeeded_is_deleted_and_arrives_in_lambdas_shape(queue: Queue) -> None:
    seen = Seen()
    queue.send("one", "two")
    worker = queue.worker(seen)
    worker.start()
    assert until(lambda: len(seen.bodies) == 2 and queue.is_empty())
    worker.stop()
    record = seen.events[0]["Records"][0]
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["attributes"]["MessageGroupId"] == "acct"
    assert record["eventSourceARN"].startswith("arn:aws:sqs:")
    assert 0 < seen.contexts[0].get_remaining_time_in_millis() <= 30_000


def test_only_what_is_named_as_failed_comes_back(queue: Queue) -> None:
    def refuse_bad_once(event: Event) -> dict[str, Any]:
        bad = [r for r in event["Records"] if r["body"] == "bad" and r["attributes"]["ApproximateReceiveCount"] == "1"]
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in bad]}

    seen = Seen(refuse_bad_once)
    queue.send("good", "bad", "fine")
    worker = queue.worker(seen)
    worker.start()
    assert until(lambda: seen.bodies.count("bad") == 2 and queue.is_empty())
    worker.stop()
    assert sorted(seen.bodies) == ["bad", "bad", "fine", "good"]


def test_a_function_that_raises_loses_nothing(queue: Queue, capfd: pytest.CaptureFixture[str]) -> None:
    calls = threading.Semaphore(1)

    def fail_once(event: Event) -> None:
        if calls.acquire(blocking=False):
            raise RuntimeError("in trouble")

    seen = Seen(fail_once)
    queue.send("one", "two")
    worker = queue.worker(seen)
    worker.start()
    assert until(lambda: queue.is_empty() and len(seen.bodies) >= 4)
    worker.stop()
    assert sorted(seen.bodies) == ["one", "one", "two", "two"]
    assert "in trouble" in capfd.readouterr().err


def test_without_the_setting_an_answer_is_not_read_as_in_aws(queue: Queue) -> None:
    seen = Seen(lambda event: {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]})
    queue.send("one")
    worker = queue.worker(seen, partial=False)
    worker.start()
    assert until(lambda: bool(seen.bodies) and queue.is_empty())
    worker.stop()


def test_batches_are_worked_on_side_by_side(queue: Queue) -> None:
    together = threading.Barrier(3, timeout=10)
    seen = Seen(lambda _: together.wait() and None)
    for number in range(3):
        queue.send(*(f"{number}-{n}" for n in range(10)))
    worker = queue.worker(seen, concurrency=3)
    worker.start()
    assert until(lambda: len(set(seen.bodies)) == 30)
    worker.stop()
    assert not together.broken


def test_stopping_waits_for_the_batch_that_is_being_worked_on(queue: Queue) -> None:
    begun = threading.Event()

    def slow(event: Event) -> None:
        begun.set()
        time.sleep(0.3)

    queue.send("one")
    worker = queue.worker(Seen(slow))
    worker.start()
    begun.wait(5)
    worker.stop()
    assert queue.is_empty()


# ── streams ─────────────────────────────────────────────────────────────────────────────────────────────────


class Table:
    def __init__(self, endpoint: str, name: str, state: Path) -> None:
        self.dynamodb = ministack.client("dynamodb", endpoint)
        self.streams = ministack.client("dynamodbstreams", endpoint)
        self.name, self.state = name, state
        made = self.dynamodb.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self.arn = made["TableDescription"]["LatestStreamArn"]

    def put(self, *keys: str, **attributes: Mapping[str, str]) -> None:
        for key in keys:
            self.dynamodb.put_item(TableName=self.name, Item={"pk": {"S": key}, **attributes})

    def worker(self, handler: Seen, *patterns: str) -> StreamWorker:
        source = StreamSource(
            function=FUNCTION,
            table=self.name,
            batch_size=3,
            patterns=tuple(map(filters.read, patterns)),
            partial=True,
        )
        return StreamWorker(
            source=source,
            handler=handler,
            streams=self.streams,
            stream_arn=self.arn,
            position_file=self.state / "position.json",
        )


@pytest.fixture
def table(endpoint: str, tmp_path: Path, request: pytest.FixtureRequest) -> Table:
    return Table(endpoint, f"t{abs(hash(request.node.name))}", tmp_path)


def test_changes_come_in_order_in_lambdas_shape(table: Table) -> None:
    seen = Seen()
    table.put("a", "b", "c", "d", "e")
    worker = table.worker(seen)
    worker.start()
    assert until(lambda: len(seen.keys) == 5)
    worker.stop()
    assert seen.keys == ["a", "b", "c", "d", "e"]
    record = seen.events[0]["Records"][0]
    assert (record["eventName"], record["eventSourceARN"]) == ("INSERT", table.arn)
    assert record["dynamodb"]["NewImage"] == {"pk": {"S": "a"}}


def test_nothing_is_missed_or_repeated_between_two_runs(table: Table) -> None:
    first, second = Seen(), Seen()
    for seen, keys in ((first, "ab"), (second, "cd")):
        table.put(*keys)
        worker = table.worker(seen)
        worker.start()
        worker.stop()
    assert (first.keys, second.keys) == (["a", "b"], ["c", "d"])


def test_stopping_reads_the_stream_to_its_end_first(table: Table) -> None:
    seen = Seen()
    worker = table.worker(seen)
    worker.start()
    table.put(*"abcdefghij")
    worker.stop()
    assert seen.keys == list("abcdefghij")


def test_a_failed_batch_comes_again_from_its_first_failure(table: Table) -> None:
    def fail_b_once(event: Event) -> dict[str, Any]:
        numbers = {r["dynamodb"]["Keys"]["pk"]["S"]: r["dynamodb"]["SequenceNumber"] for r in event["Records"]}
        first_time = seen.keys.count("b") == 1
        return {"batchItemFailures": [{"itemIdentifier": numbers["b"]}] if "b" in numbers and first_time else []}

    seen = Seen(fail_b_once)
    table.put("a", "b", "c")
    worker = table.worker(seen)
    worker.start()
    assert until(lambda: seen.keys.count("c") == 2)
    worker.stop()
    assert seen.keys == ["a", "b", "c", "b", "c"]


def test_a_batch_that_raises_is_tried_until_it_is_taken(table: Table, capfd: pytest.CaptureFixture[str]) -> None:
    def fail_twice(event: Event) -> None:
        if len(seen.events) < 3:
            raise RuntimeError("in trouble")

    seen = Seen(fail_twice)
    table.put("a")
    worker = table.worker(seen)
    worker.start()
    assert until(lambda: len(seen.events) == 3)
    worker.stop()
    assert seen.keys == ["a", "a", "a"]
    assert "in trouble" in capfd.readouterr().err


def test_only_what_the_filter_wants_reaches_the_function(table: Table) -> None:
    seen = Seen()
    table.put("leased", lease_until={"N": "1"})
    table.put("free")
    table.dynamodb.delete_item(TableName=table.name, Key={"pk": {"S": "free"}})
    pattern = '{"eventName":["INSERT","MODIFY"],"dynamodb":{"NewImage":{"lease_until":{"N":[{"exists":false}]}}}}'
    worker = table.worker(seen, pattern)
    worker.start()
    worker.stop()
    assert seen.keys == ["free"]


def test_a_position_in_a_stream_that_is_gone_begins_at_what_is_there(table: Table) -> None:
    table.worker(Seen()).position_file.write_text(f'{{"{table.arn}": "000000000000000000000000000001"}}')
    seen = Seen()
    table.put("a")
    worker = table.worker(seen)
    worker.start()
    worker.stop()
    assert seen.keys == ["a"]

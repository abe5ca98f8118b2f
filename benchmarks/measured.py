"""The steps of a message, measured one after another on one MiniStack: accepted, delivered, published."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import uuid4

from benchmarks import lambdas, sizes, steps, stream
from benchmarks.lambdas import Event
from benchmarks.meter import Meter
from benchmarks.scene import Scene
from benchmarks.steps import Plan, Step
from benchmarks.stream import Tap
from infra.local.sources import StreamSource

BATCHES = (1, 10)
"""Sizes at which delivery is measured."""
_ACCEPT = Plan(metered=25, warm=15, timed=200)
_DELIVER: Mapping[int, Plan] = {1: Plan(metered=12, warm=3, timed=50), 10: Plan(metered=4, warm=2, timed=14)}
_PUBLISH: Mapping[bool, Plan] = {
    True: Plan(metered=4, warm=1, timed=6),
    False: Plan(metered=8, warm=2, timed=30),
}
"""By whether the batches are full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`accept` by case; `deliver` and `publish` by the size of the batch; octets of a job, and of the heaviest item."""

    accept: Mapping[str, Step]
    deliver: Mapping[int, Step]
    publish: Mapping[int, Step]
    job_octets: float
    item_octets: int


def measure(scene: Scene, source: StreamSource, records_in_batch: int, cases: Mapping[str, bool]) -> Measured:
    """`cases` by name, and whether they send an Idempotency-Key."""
    meter = Meter(scene.client("dynamodb"))
    accept = {name: _accept(scene, meter, keyed=keyed) for name, keyed in cases.items()}
    scene.forget_jobs()
    tap = Tap.open(scene.client("dynamodb"), scene.client("dynamodbstreams"), source.table)
    deliver, job_octets = _deliver(scene, meter)
    records = stream.wanted(tap.records(), source)
    publish = _publish(tap, records, meter, records_in_batch)
    return Measured(
        accept=accept,
        deliver=deliver,
        publish=publish,
        job_octets=job_octets,
        item_octets=max(sizes.item_size(record["dynamodb"]["NewImage"]) for record in records),
    )


def _accept(scene: Scene, meter: Meter, *, keyed: bool) -> Step:
    events = (scene.submission(idempotency_key=str(uuid4()) if keyed else None) for _ in itertools.count())
    return _one_by_one(steps.measure(lambdas.accept, events, meter, _ACCEPT))


def _deliver(scene: Scene, meter: Meter) -> tuple[dict[int, Step], float]:
    scene.accept(sum(size * _DELIVER[size].invocations for size in BATCHES))
    octets: list[int] = []

    def weighed(events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            octets.extend(len(record["body"].encode()) for record in event["Records"])
            yield event

    measured = {
        size: steps.measure(lambdas.deliver, weighed(scene.jobs(itertools.repeat(size))), meter, _DELIVER[size])
        for size in reversed(BATCHES)
    }
    return measured, sum(octets) / len(octets)


def _publish(tap: Tap, records: list[stream.Record], meter: Meter, full: int) -> dict[int, Step]:
    """The last records one by one, because nothing may be published before what came before it."""
    alone = _PUBLISH[False].invocations
    grouped = stream.by_shard(records[:-alone], full)
    return {
        full: _one_by_one(steps.measure(lambdas.publish, tap.batches(grouped, full), meter, _PUBLISH[True])),
        1: _one_by_one(steps.measure(lambdas.publish, tap.batches(records[-alone:], 1), meter, _PUBLISH[False])),
    }


def _one_by_one(step: Step) -> Step:
    """Where calls overlap, the sum of their waits is no longer what is waited."""
    if step.threads > 1:
        raise RuntimeError(f"{step.threads} threads made these calls: measure their waits as those of a delivery")
    return step

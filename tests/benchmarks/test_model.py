"""From what was measured to what it costs, with figures that are easy to follow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import bill, model, steps, stream
from benchmarks.bill import Traffic
from benchmarks.deployed import Deployed
from benchmarks.distance import Waits
from benchmarks.measured import Measured
from benchmarks.model import Facts
from benchmarks.prices import Charge
from benchmarks.steps import Refresh, Step
from infra.local.sources import Function, QueueSource, StreamSource

OCTETS = Traffic(out=6_000, back=300)


def step(cpu: float, writes: float, refreshes: tuple[Refresh, ...] = ()) -> Step:
    usage = {Charge.WRITE_UNIT: writes}
    return Step(cpu=cpu, waits=0.01, usage=usage, log_octets=200, calls={}, threads=1, refreshes=refreshes)


def function(memory: int) -> Function:
    return Function(name="F", handler="app.f", timeout=900, memory=memory)


def facts() -> Facts:
    forgotten = Refresh(seconds=60, usage={Charge.SECRET_REQUEST: 1}, waits=0.01)
    return Facts(
        measured=Measured(
            accept={"single": step(0.004, 1)},
            deliver={1: step(0.006, 2, (forgotten,)), 10: step(0.05, 20, (forgotten,))},
            publish={1: step(0.001, 1), 26: step(0.006, 4)},
            job_octets=3_000,
            item_octets=600,
        ),
        waits=Waits(setup=0.5, each=0.6, mixed=2.9),
        deployed=Deployed(
            accept_memory=512,
            deliver=QueueSource(function=function(256), url="q", batch_size=10, concurrency=5, partial=True),
            publish=StreamSource(function=function(256), table="t", batch_size=100, patterns=(), partial=True),
            window=1.0,
            system_log_octets=0,
            log_days=45,
            queues=2,
            alarms=6,
        ),
        cold={"accept": 0.3, "deliver": 0.5, "publish": 0.3},
    )


def total(rate: float, places: int = 0) -> float:
    return bill.of(facts(), model.works(facts(), "single", rate, places), OCTETS, rate).total


def test_a_message_a_minute_is_delivered_alone_and_waits_for_itself() -> None:
    deliver = model.works(facts(), "single", 1 / 60).deliver
    assert deliver.batch == 1
    assert deliver.step.waits == pytest.approx(1.1)
    assert deliver.seconds == pytest.approx(1.1 + 0.006 * 1769 / 256 + 0.01 / 2)


def test_what_is_remembered_for_a_minute_is_asked_again_by_every_second_message_a_minute() -> None:
    refreshed = model.works(facts(), "single", 1 / 60).deliver.refreshed
    assert refreshed == {Charge.SECRET_REQUEST: pytest.approx(0.5)}


def test_where_the_template_has_too_few_places_the_rate_gets_the_fewest_that_carry_it() -> None:
    works = model.works(facts(), "single", 50)
    assert model.carried(facts()) < 50
    assert works.places > 5
    assert works.deliver.batch > 5
    assert works.deliver.at_once <= works.places


def test_more_places_cost_more() -> None:
    assert total(50) < total(50, places=50) < total(50, places=200)


@given(st.floats(min_value=1 / 3600, max_value=500))
def test_the_parts_are_all_there_and_make_the_total(rate: float) -> None:
    made = bill.of(facts(), model.works(facts(), "single", rate), OCTETS, rate)
    assert made.total == pytest.approx(sum(made.parts.values()))
    assert made.parts["api_gateway"] == pytest.approx(3.5)
    assert made.parts["accept_dynamodb"] == pytest.approx(0.625)
    assert made.parts["deliver_dynamodb"] == pytest.approx(1.25)
    assert not set(made.parts) & set(made.beside)
    assert all(value >= 0 for value in (*made.parts.values(), *made.beside.values()))


def test_between_two_batches_everything_lies_on_a_line() -> None:
    half = steps.between(step(0.01, 2), step(0.03, 20), 0.5)
    assert half.cpu == pytest.approx(0.02)
    assert half.usage == {Charge.WRITE_UNIT: 11}


def test_a_stream_batch_is_one_record_and_what_its_window_brings() -> None:
    assert stream.batch_size(2 / 60, 1.0, 100) == pytest.approx(1, abs=0.01)
    assert stream.batch_size(100, 1.0, 100) == 26
    assert stream.batch_size(10_000, 1.0, 100) == 100


def test_records_of_a_partition_stay_in_order_and_on_one_shard() -> None:
    records = [
        {"dynamodb": {"Keys": {"pk": {"S": f"a#20260101#{n % 16:x}"}}, "SequenceNumber": str(n)}} for n in range(320)
    ]
    dealt = stream.by_shard(records, 5)
    assert len(dealt) == 320
    for begin in range(0, len(dealt), 5):
        keys = {record["dynamodb"]["Keys"]["pk"]["S"] for record in dealt[begin : begin + 5]}
        assert len({int(key[-1], 16) % stream.SHARDS for key in keys}) == 1
    for key in {record["dynamodb"]["Keys"]["pk"]["S"] for record in dealt}:
        numbers = [int(r["dynamodb"]["SequenceNumber"]) for r in dealt if r["dynamodb"]["Keys"]["pk"]["S"] == key]
        assert numbers == sorted(numbers)

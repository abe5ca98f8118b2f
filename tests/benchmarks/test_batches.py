import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import batches

SHARES = (0.4, 0.2, 0.1)

rates = st.floats(min_value=0.01, max_value=200)
places = st.integers(min_value=1, max_value=100)
setups = st.floats(min_value=0.01, max_value=5)
eachs = st.floats(min_value=0, max_value=1)


def test_a_message_a_minute_comes_alone() -> None:
    assert batches.settle(1 / 60, 5, 10, lambda size: 0.5 + 0.6 * size) == 1


def test_the_batch_is_what_arrives_while_one_place_is_busy() -> None:
    # b = r·(s + e·b)/c, so b = r·s/(c - r·e) = 20·1/(10 - 20·0.25)
    assert batches.settle(20, 10, 10, lambda size: 1 + 0.25 * size) == pytest.approx(4)


def test_a_queue_that_too_much_arrives_in_gives_full_batches() -> None:
    assert batches.settle(50, 5, 10, lambda size: 0.5 + 0.25 * size) == 10


@given(rates, places, setups, eachs)
def test_where_it_settles_it_stays(rate: float, count: int, setup: float, each: float) -> None:
    def seconds(size: float) -> float:
        return setup + each * size

    settled = batches.settle(rate, count, 10, seconds)
    assert 1 <= settled <= 10
    assert settled == pytest.approx(min(10, max(1, rate * seconds(settled) / count)), rel=1e-3)


@given(rates, setups, eachs)
def test_the_places_needed_keep_up_and_one_less_does_not(rate: float, setup: float, each: float) -> None:
    def seconds(size: float) -> float:
        return setup + each * size

    needed = batches.places_needed(rate, 10, seconds)
    assert needed * 10 / seconds(10) >= rate * (1 - 1e-9)
    assert needed == 1 or (needed - 1) * 10 / seconds(10) < rate


@given(rates, places, setups, eachs)
def test_more_places_make_no_larger_batches(rate: float, count: int, setup: float, each: float) -> None:
    def size(places: int) -> float:
        return batches.settle(rate, places, 10, lambda size: setup + each * size)

    assert size(count + 1) <= size(count) + 1e-6


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_the_largest_group_is_counted_over_every_possible_batch(size: int) -> None:
    chances = dict(enumerate((*SHARES, 1 - sum(SHARES))))
    expected = 0.0
    for batch in itertools.product(chances, repeat=size):
        largest = max([1, *(batch.count(operator) for operator in range(len(SHARES)))])
        expected += largest * math.prod(chances[operator] for operator in batch)
    assert batches.largest_group(size, SHARES) == pytest.approx(expected)


def test_one_operator_for_all_is_one_group() -> None:
    assert batches.largest_group(7, (1.0,)) == pytest.approx(7)
    assert batches.groups(7, (1.0,)) == pytest.approx(1)


def test_without_large_operators_every_job_is_a_group() -> None:
    assert batches.largest_group(7, ()) == 1
    assert batches.groups(7, ()) == 7


@given(st.floats(min_value=1, max_value=10), st.floats(min_value=1, max_value=10))
def test_a_larger_batch_has_no_smaller_largest_group(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert batches.largest_group(low, SHARES) <= batches.largest_group(high, SHARES) + 1e-9
    assert 1 <= batches.largest_group(low, SHARES) <= low + 1e-9

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.outbound.retry import LIFETIME_SECONDS, Schedule
from chalicelib.settings import DEFAULT_WAITS

SCHEDULE = Schedule(DEFAULT_WAITS)


@given(st.integers(min_value=1, max_value=24), st.floats(min_value=0, max_value=LIFETIME_SECONDS - 1))
def test_a_wait_is_as_set_give_or_take_a_tenth(attempt: int, age: float) -> None:
    expected = DEFAULT_WAITS[min(attempt, 8) - 1]
    next_at = SCHEDULE.next_attempt(attempt, accepted=1000, now=1000 + age)
    assert next_at is not None
    assert next_at == 1000 + LIFETIME_SECONDS or 0.9 * expected <= next_at - 1000 - age <= 1.1 * expected


def test_a_message_is_tried_for_three_days_and_once_more_at_their_end() -> None:
    now, times = 0.0, []
    for attempt in count(1):
        next_at = SCHEDULE.next_attempt(attempt, accepted=0, now=now)
        if next_at is None:
            break
        times.append(now := next_at)
    assert times[-1] == LIFETIME_SECONDS
    assert 14 <= len(times) <= 19


def test_a_clock_that_is_days_ahead_ends_the_message_and_one_that_is_behind_does_not_stop_it() -> None:
    assert SCHEDULE.next_attempt(1, accepted=0, now=10 * 24 * 3600) is None
    assert (SCHEDULE.next_attempt(1, accepted=10 * 24 * 3600, now=0) or 0) > 0


def test_no_more_attempts_are_made_than_a_delivery_remembers() -> None:
    eager = Schedule([1])
    assert eager.next_attempt(24, accepted=0, now=100) is not None
    assert eager.next_attempt(25, accepted=0, now=100) is None

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.events import email_id as ids

MOMENTS = st.floats(min_value=0, max_value=4_000_000_000)


@given(MOMENTS)
def test_an_id_carries_its_moment_to_the_millisecond(now: float) -> None:
    email_id = ids.new(now)
    assert ids.milliseconds(email_id) == int(now * 1000)
    assert email_id.version == 7
    assert email_id.variant == "specified in RFC 4122"
    assert ids.parse(str(email_id)) == email_id


@given(MOMENTS, MOMENTS)
def test_ids_sort_by_time(one: float, other: float) -> None:
    earlier, later = sorted((one, other))
    if int(earlier * 1000) < int(later * 1000):
        assert str(ids.new(earlier)) < str(ids.new(later))


def test_the_partition_is_account_day_and_last_digit() -> None:
    email_id = UUID("019aa5d4-7a00-7abc-8def-0123456789a5")
    assert ids.partition("abcdefgh", email_id) == "abcdefgh#20251121#5"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "00000000-0000-0000-0000-000000000000",
        "6f0e0e0e-0000-4000-8000-000000000000",
        "{019aa5d4-7a00-7abc-8def-0123456789a5}",
        "urn:uuid:019aa5d4-7a00-7abc-8def-0123456789a5",
        "019aa5d47a007abc8def0123456789a5",
        "019aa5d4-7a00-7abc-8def-0123456789a5\n",
    ],
)
def test_what_is_spelt_otherwise_is_no_id_of_ours(text: str) -> None:
    assert ids.parse(text) is None


def test_an_id_from_a_year_that_no_calendar_has_finds_nothing_and_breaks_nothing() -> None:
    far = UUID("ffffffff-ffff-7fff-bfff-ffffffffffff")
    assert ids.partition("abcdefgh", far) == "abcdefgh#00000000#f"

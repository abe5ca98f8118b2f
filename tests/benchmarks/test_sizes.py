"""The sizing rules, by the examples that AWS gives in its documentation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import sizes
from benchmarks.prices import Unpriced

KB = 1024


def test_the_documented_shirt_has_23_octets() -> None:
    assert sizes.item_size({"shirt-color": {"S": "R"}, "shirt-size": {"S": "M"}}) == 23


@pytest.mark.parametrize(
    ("attribute", "octets"),
    [
        ({"S": ""}, 0),
        ({"S": "grüße"}, 7),
        ({"B": b"\x00\x01\x02"}, 3),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"N": "1"}, 2),
        ({"N": "27"}, 2),
        ({"N": "1795264397478"}, 8),
        ({"N": "-27"}, 3),
        ({"N": "0"}, 1),
        ({"N": "0.0150"}, 2),
        ({"N": "1.5E+10"}, 2),
        ({"L": []}, 3),
        ({"M": {}}, 3),
        ({"L": [{"S": "ab"}, {"N": "1"}]}, 3 + (1 + 2) + (1 + 2)),
        ({"M": {"key": {"S": "ab"}}}, 3 + 1 + 3 + 2),
    ],
)
def test_an_attribute_weighs_its_name_and_its_value(attribute: dict[str, object], octets: int) -> None:
    assert sizes.item_size({"n": attribute}) == 1 + octets


def test_a_type_that_nobody_has_weighed_is_refused() -> None:
    with pytest.raises(Unpriced, match="SS"):
        sizes.item_size({"n": {"SS": ["a"]}})


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, 512, 1),
        (None, KB, 1),
        (None, KB + 1, 2),
        (None, 1536, 2),
        (3 * KB, 100, 3),
        (100, 3 * KB, 3),
        (2 * KB, None, 2),
        (None, None, 1),
    ],
)
def test_a_write_costs_the_larger_of_what_stood_and_what_stands(
    before: int | None, after: int | None, units: int
) -> None:
    assert sizes.write_units(before, after) == units


@pytest.mark.parametrize(
    ("octets", "consistent", "units"),
    [
        (3584, True, 1),
        (3584, False, 0.5),
        (10 * KB, True, 3),
        (10 * KB, False, 1.5),
        (int(40.8 * KB), False, 5.5),
        (0, True, 1),
        (0, False, 0.5),
    ],
)
def test_a_read_costs_a_unit_for_four_kilobytes_and_half_when_it_may_be_late(
    octets: int, consistent: bool, units: float
) -> None:
    assert sizes.read_units(octets, consistent=consistent) == units


@given(st.integers(min_value=1, max_value=10**38 - 1))
def test_a_number_never_weighs_more_than_its_digits(number: int) -> None:
    weight = sizes.item_size({"": {"N": str(number)}})
    assert 2 <= weight <= len(str(number)) / 2 + 1.5
    assert sizes.item_size({"": {"N": f"{number}0"}}) == weight
    assert sizes.item_size({"": {"N": f"-{number}"}}) == weight + 1

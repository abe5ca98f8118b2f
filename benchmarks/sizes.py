"""What an item weighs in DynamoDB, and how many units reading and writing it takes. Pure.

AWS, "DynamoDB item sizes and formats" and "Read and write operations": capacity computed from these rules, because
an emulator's figures are its own. Items are DynamoDB's typed JSON, as the low-level client has them.
"""

import math
from collections.abc import Mapping
from typing import Any

from benchmarks.prices import Unpriced

Attribute = Mapping[str, Any]
WRITE_OCTETS = 1024
READ_OCTETS = 4096
INDEX_OVERHEAD = 100
"""Octets that storage is billed for on top of every item."""
_NESTING = 3
_MEMBER = 1
"""Octets of a list or a map itself, and of each member."""


def item_size(item: Mapping[str, Attribute]) -> int:
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def write_units(before: int | None, after: int | None) -> int:
    """By the larger of what stood and what stands; None where there is no item. Nothing is written for less than 1."""
    return max(1, math.ceil(max(before or 0, after or 0) / WRITE_OCTETS))


def read_units(octets: int, *, consistent: bool) -> float:
    """Of all items of one request together; finding nothing costs as much as the smallest item."""
    units = max(1, math.ceil(octets / READ_OCTETS))
    return units if consistent else units / 2


def _value_size(attribute: Attribute) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return _number_size(value)
        case "B":
            return len(value)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return _NESTING + sum(_MEMBER + _value_size(member) for member in value)
        case "M":
            return _NESTING + _MEMBER * len(value) + item_size(value)
    raise Unpriced(f"the size of an attribute of type {kind} is not known here")


def _number_size(text: str) -> int:
    """One octet for two significant digits, one more, and one for a minus."""
    mantissa = text.lower().partition("e")[0]
    digits = mantissa.lstrip("+-").replace(".", "").strip("0")
    return math.ceil(len(digits) / 2) + 1 + mantissa.startswith("-")

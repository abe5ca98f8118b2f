"""Lambda's event filters, as far as the template uses them: exact values, `exists` and `prefix`."""

import json
from collections.abc import Mapping
from typing import Any

Pattern = Mapping[str, Any]

_ABSENT = object()


def read(text: str) -> Pattern:
    """ValueError for a condition that is not known here: better no stack than one that filters differently."""
    pattern: Pattern = json.loads(text)
    _check(pattern)
    return pattern


def fits(pattern: Pattern, record: Mapping[str, Any]) -> bool:
    """Whether every leaf of the pattern holds in the record."""
    return all(_holds(wanted, record.get(name, _ABSENT)) for name, wanted in pattern.items())


def _holds(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, Mapping):
        return fits(wanted, value if isinstance(value, Mapping) else {})
    return any(_meets(condition, value) for condition in wanted)


def _meets(condition: Any, value: Any) -> bool:
    match condition:
        case {"exists": bool(exists)}:
            return exists == (value is not _ABSENT)
        case {"prefix": str(prefix)}:
            return isinstance(value, str) and value.startswith(prefix)
    return bool(condition == value)


def _check(pattern: Pattern) -> None:
    for name, wanted in pattern.items():
        if isinstance(wanted, Mapping):
            _check(wanted)
        elif not isinstance(wanted, list) or not all(map(_is_known, wanted)):
            raise ValueError(f"a filter on {name} that the local stack cannot judge: {wanted}")


def _is_known(condition: Any) -> bool:
    match condition:
        case {"exists": bool()} | {"prefix": str()}:
            return len(condition) == 1
    return not isinstance(condition, Mapping | list)

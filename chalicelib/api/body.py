"""JSON bodies from strangers: RFC 8259 to the letter, and nothing that Python would take beyond it."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from chalicelib.errors import Invalid, TooLarge

MAX_OCTETS = 4 * 1024 * 1024


def parse(raw: bytes) -> Mapping[str, Any]:
    """The one JSON object that a body holds; `Invalid` says what is wrong with any other bytes."""
    if len(raw) > MAX_OCTETS:
        raise TooLarge(f"the body has {len(raw)} octets and a request may have {MAX_OCTETS} (4 MB)")
    if not raw.strip():
        raise Invalid('the body is empty; send a JSON object, such as {"from": "you@example.com", …}')
    try:
        text = raw.decode("utf-8")
        parsed = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
        if "\\u" in text:  # the only way for half a surrogate pair to come in
            json.dumps(parsed, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("the body is not UTF-8 (and may not be compressed)") from None
    except UnicodeEncodeError:
        raise Invalid("the body holds half of a surrogate pair (\\ud800 to \\udfff alone): no character") from None
    except RecursionError:
        raise Invalid("the body is nested too deeply") from None
    except ValueError as failure:
        raise Invalid(f"the body is not JSON: {str(failure)[:200]}") from None
    if not isinstance(parsed, dict):
        raise Invalid('the body must be a JSON object, such as {"from": "you@example.com", …}')
    return parsed


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise ValueError(f"the field {name[:50]!r} is there twice")
        made[name] = value
    return made


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:30]} is too large")
    return value

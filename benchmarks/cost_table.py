"""The figures of `make cost` for people."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_MADE_UP = re.compile(r"postscale-(\w+?)-[0-9A-F]{8,}")
_RATES: Mapping[str, str] = {"at_50_per_s": "50/s", "at_1_per_min": "1/min"}
_CASES: Mapping[str, str] = {"single": "single", "single_idempotent": "with key"}
_WIDTH, _COLUMN = 32, 16
Figures = Mapping[str, Any]


def text(figures: Figures) -> str:
    sections = (_bill, _functions, _scale, _at_rest)
    return "\n\n".join("\n".join(section(figures)) for section in sections)


def plain(call: str) -> str:
    """Without what CloudFormation adds to names."""
    return _MADE_UP.sub(r"\1", call)


def _bill(figures: Figures) -> Iterator[str]:
    columns = {
        f"{_CASES[case]} {label}": account for rate, label in _RATES.items() for case, account in figures[rate].items()
    }
    yield f"{'dollars per million messages':<{_WIDTH}}" + "".join(f"{name:>{_COLUMN}}" for name in columns)
    accounts = list(columns.values())
    yield from _lines("parts", accounts)
    yield f"{'TOTAL':<{_WIDTH}}" + "".join(f"{account['usd_per_million']:>{_COLUMN}.2f}" for account in accounts)
    yield "beside, not in the total"
    yield from _lines("beside", accounts)


def _lines(kind: str, accounts: Sequence[Figures]) -> Iterator[str]:
    names = dict.fromkeys(name for account in accounts for name in account[kind])
    for name in names:
        values = "".join(f"{account[kind].get(name, 0):>{_COLUMN}.3f}" for account in accounts)
        yield f"  {name.replace('_', ' '):<{_WIDTH - 2}}{values}"


def _functions(figures: Figures) -> Iterator[str]:
    yield f"{'single: one invocation':<{_WIDTH}}" + "".join(
        f"{name:>{_COLUMN}}" for name in ("batch", "billed ms", "of it waits", "CPU ms", "at MB")
    )
    for rate, label in _RATES.items():
        for name, function in figures[rate]["single"]["functions"].items():
            values = (function[key] for key in ("batch", "billed_ms", "waits_ms", "cpu_ms", "memory_mb"))
            yield f"  {name + ' ' + label:<{_WIDTH - 2}}" + "".join(f"{value:>{_COLUMN}}" for value in values)
    yield "calls per message at 50/s"
    for function in figures["at_50_per_s"]["single"]["functions"].values():
        for call, count in function["calls_per_message"].items():
            yield f"  {count:<8g}{call}"


def _scale(figures: Figures) -> Iterator[str]:
    for count, account in figures["single_at_50_per_s_by_messages_stored"].items():
        calls = sum(sum(each["calls_per_message"].values()) for each in account["functions"].values())
        yield f"{int(count):>8,} messages stored: {account['usd_per_million']:.2f} dollars, {calls:.2f} calls a message"
    for places, account in figures["single_at_50_per_s_by_delivery_concurrency"].items():
        dollars = account["usd_per_million"]
        yield f"{places:>8} deliveries at once: {dollars:.2f} dollars, batches of {account['batch']:g}"
    behind = figures["behind"]
    yield (
        f"{behind['delivery_concurrency_of_the_template']:>8} at once, as the template has it, carry"
        f" {behind['messages_per_s_that_it_carries']} messages a second"
    )


def _at_rest(figures: Figures) -> Iterator[str]:
    rest = figures["at_rest_usd_per_month"]
    parts = ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in rest.items())
    yield f"at rest {sum(rest.values()):.2f} dollars a month: {parts}"

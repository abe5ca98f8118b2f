"""What was found, as the figures that are kept: cost.json without the machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import batches, bill, cost_table, model, prices, stream, traffic
from benchmarks.bill import Bill, Traffic
from benchmarks.model import Facts, Work, Works

RATES: Mapping[str, float] = {"at_50_per_s": 50, "at_1_per_min": 1 / 60}
CASES: Mapping[str, bool] = {"single": False, "single_idempotent": True}
"""One recipient, first try; and whether an Idempotency-Key is sent."""
STORED = (100, 100_000)
_PLACES = (30, 50, 100)
"""Other values of the template's DeliveryConcurrency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`by_stored`: with so many messages in the log."""

    by_stored: Mapping[int, Facts]
    traffic: Traffic

    @property
    def facts(self) -> Facts:
        return self.by_stored[STORED[0]]


def of(found: Found) -> dict[str, Any]:
    full = RATES["at_50_per_s"]
    cases = {name: {case: _account(found, found.facts, case, rate) for case in CASES} for name, rate in RATES.items()}
    return {
        **cases,
        "single_at_50_per_s_by_messages_stored": {
            str(count): _account(found, facts, "single", full) for count, facts in found.by_stored.items()
        },
        "single_at_50_per_s_by_delivery_concurrency": {
            str(places): _with_places(found, full, places)
            for places in (cases["at_50_per_s"]["single"]["deliver_concurrency"], *_PLACES)
        },
        "at_rest_usd_per_month": bill.at_rest(found.facts.deployed),
        "behind": _behind(found.facts),
        "assumed": _assumed(),
    }


def _account(found: Found, facts: Facts, case: str, rate: float) -> dict[str, Any]:
    works = model.works(facts, case, rate)
    made = bill.of(facts, works, found.traffic, rate)
    return {
        "usd_per_million": round(made.total, 3),
        "parts": _rounded(made.parts),
        "beside": _rounded(made.beside),
        "deliver_concurrency": works.places,
        "functions": {name: _function(work) for name, work in works.all.items()},
    }


def _function(work: Work) -> dict[str, Any]:
    return {
        "batch": round(work.batch, 2),
        "billed_ms": round(work.seconds * 1000, 1),
        "waits_ms": round(work.step.waits * 1000, 1),
        "cpu_ms": round(work.step.cpu * 1000, 2),
        "memory_mb": work.memory,
        "at_once": work.at_once,
        "calls_per_message": {
            cost_table.plain(call): round(count * work.per_message, 3)
            for call, count in sorted(work.step.calls.items())
        },
    }


def _with_places(found: Found, rate: float, places: int) -> dict[str, float]:
    works: Works = model.works(found.facts, "single", rate, places)
    made: Bill = bill.of(found.facts, works, found.traffic, rate)
    return {"usd_per_million": round(made.total, 3), "batch": round(works.deliver.batch, 2)}


def _behind(facts: Facts) -> dict[str, Any]:
    """What the bill was made of beside the functions."""
    return {
        "delivery_waits_s": {
            "setup": round(facts.waits.setup, 3),
            "each_of_the_largest_group": round(facts.waits.each, 3),
            "mixed_batch_measured": round(facts.waits.mixed, 3),
            "mixed_batch_predicted": round(facts.waits.predicted, 3),
        },
        "expected_largest_group_of_ten": round(batches.largest_group(10, tuple(traffic.OPERATORS.values())), 2),
        "first_invocation_cpu_ms": {name: round(seconds * 1000) for name, seconds in facts.cold.items()},
        "delivery_concurrency_of_the_template": facts.deployed.deliver.concurrency,
        "messages_per_s_that_it_carries": round(model.carried(facts), 1),
        "job_octets": round(facts.measured.job_octets),
        "heaviest_delivery_octets": facts.measured.item_octets,
    }


def _assumed() -> dict[str, Any]:
    return {
        "usd": {charge.value: float(f"{usd:.6g}") for charge, usd in prices.USD.items()},
        "service_answers_after_s": dict(prices.SERVICE_WAITS),
        "round_trip_to_a_mail_server_s": prices.ROUND_TRIP,
        "mail_server_thinks_after_the_dot_s": prices.AFTER_THE_DOT,
        "dns_question_s": prices.LOOK_UP,
        "recipients": dict(traffic.OPERATORS)
        | {"a server of their own": round(1 - sum(traffic.OPERATORS.values()), 2)},
        "stream_shards": stream.SHARDS,
        "process_kept_s": model.ENVIRONMENT_SECONDS,
    }


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in figures.items()}

"""The bill of a million messages: its parts, what stands beside it, and what a month costs at rest."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks import batches, model, prices, sizes, traffic
from benchmarks.deployed import Deployed
from benchmarks.model import Facts, Works
from benchmarks.prices import MONTH_SECONDS, Charge, Usage

_MILLION = 1_000_000
_GB = 1e9
_HEADERS = 1.03
"""TCP and IP headers: 40 octets for each 1,400."""
_TLS_OUT, _TLS_IN = 700, 4_500
"""Octets of a handshake: from us, and the server's with its certificates."""
_ANSWER_OCTETS = 1_000
"""Of an API answer with its headers and its share of TLS."""
_POLLERS, _POLL_SECONDS = 5, 20
"""What Lambda polls a queue with when nothing comes (AWS, "Configuring scaling behavior for SQS")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Octets of a message on the wire, envelope and signature with it, and of the answers to it."""

    out: float
    back: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Dollars per million messages."""

    parts: Mapping[str, float]
    beside: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.parts.values())


def of(facts: Facts, works: Works, seen: Traffic, rate: float) -> Bill:
    usages: dict[str, Usage] = {"api_gateway": {Charge.API_REQUEST: 1}}
    for name, work in works.all.items():
        usages |= _by_service(name, prices.total([work.run, work.called]))
    usages |= _by_service("deliver_polling", model.polled(facts, works))
    usages |= {
        "logs": model.logged(facts, works),
        "asked_again": prices.total(work.refreshed for work in works.all.values()),
        "new_processes": prices.total(model.starts(facts, name, work, rate) for name, work in works.all.items()),
    }
    return Bill(parts=_dollars(usages), beside=_dollars(_beside(facts, works, seen)))


def _by_service(name: str, usage: Usage) -> dict[str, Usage]:
    """`accept` and what it uses → `accept_lambda`, `accept_dynamodb`, …"""
    parts: dict[str, dict[Charge, float]] = {}
    for charge, amount in usage.items():
        parts.setdefault(f"{name}_{charge.service.lower()}", {})[charge] = amount
    return dict(parts)


def at_rest(deployed: Deployed) -> Mapping[str, float]:
    """Dollars a month of what costs without a single message."""
    empty = deployed.queues * _POLLERS * MONTH_SECONDS / _POLL_SECONDS
    usages: Mapping[str, Usage] = {
        "kms_key": {Charge.KMS_KEY_MONTH: 1},
        "token_secret": {Charge.SECRET_MONTH: 1},
        "alarms": {Charge.ALARM_MONTH: deployed.alarms},
        "empty_receives": {Charge.QUEUE_REQUEST: empty},
    }
    return {name: round(prices.dollars(usage), 2) for name, usage in usages.items()}


def _beside(facts: Facts, works: Works, seen: Traffic) -> Mapping[str, Usage]:
    """What depends on how long one wants to remember and on how the mail leaves."""
    connections = batches.groups(works.deliver.batch, tuple(traffic.OPERATORS.values())) / works.deliver.batch
    out = (seen.out + connections * _TLS_OUT) * _HEADERS
    back = (seen.back + connections * _TLS_IN) * _HEADERS
    kept = (facts.measured.item_octets + sizes.INDEX_OVERHEAD) * facts.deployed.log_days * 24 * 3600 / MONTH_SECONDS
    return {
        "kept_in_the_log": {Charge.STORED_GB_MONTH: kept / _GB},
        "data_to_the_internet": {Charge.TRANSFER_GB: (out + _ANSWER_OCTETS) / _GB},
        "nat_gateway": {Charge.NAT_GB: (out + back) / _GB},
    }


def _dollars(usages: Mapping[str, Usage]) -> Mapping[str, float]:
    return {name: prices.dollars(usage) * _MILLION for name, usage in usages.items()}

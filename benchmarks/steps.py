"""One function at work: what an invocation of it takes, and what its code does not ask again for a while.

A cold invocation, metered, shows every call. Then some metered ones show what each one needs. The processor's time is
taken afterwards without a meter, so that listening is not billed.
"""

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import prices
from benchmarks.lambdas import Event, Run
from benchmarks.meter import Call, Meter
from benchmarks.prices import Unpriced, Usage
from chalicelib.recent import Recent
from chalicelib.wiring import Services, services

_LOG_EVENT_OCTETS = 26
"""What CloudWatch Logs adds to every line (AWS, PutLogEvents)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Invocations after the cold one: metered, then without a meter, first to warm up and then for the time."""

    metered: int
    warm: int
    timed: int

    @property
    def invocations(self) -> int:
        return 1 + self.metered + self.warm + self.timed


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """What is asked again when it has been remembered for `seconds`; threads that miss it together ask together."""

    seconds: float
    usage: Usage
    waits: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Per invocation. `waits` are those of its calls one after another, which is its own where it has one thread."""

    cpu: float
    waits: float
    usage: Usage
    log_octets: float
    calls: Mapping[str, float]
    threads: int
    refreshes: tuple[Refresh, ...]


def measure(function: Callable[[Event], Run], events: Iterator[Event], meter: Meter, plan: Plan) -> Step:
    """A generator of events that it takes one at a time, as many as the plan says."""
    services.cache_clear()
    meter.attach(services().clients)
    meter.calls()
    function(next(events))
    cold = meter.calls()
    runs = [function(next(events)) for _ in range(plan.metered)]
    calls = meter.calls()
    remembered = _remembered(services())
    services.cache_clear()
    for _ in range(plan.warm):
        function(next(events))
    timed = [function(next(events)).cpu for _ in range(plan.timed)]
    steady = [call for call in calls if call.name not in remembered]
    _check(cold, steady, remembered)
    share = 1 / plan.metered
    return Step(
        cpu=statistics.median(timed),
        waits=sum(call.wait for call in steady) * share,
        usage=prices.scaled(prices.total(call.usage for call in steady), share),
        log_octets=sum(map(_log_octets, runs)) * share,
        calls=_counted(steady, share),
        threads=len({call.thread for call in steady}),
        refreshes=_refreshes([call for call in cold if call.name in remembered], remembered),
    )


def between(low: Step, high: Step, share: float) -> Step:
    """A batch between two that were measured; `share` 0 is the lower one, 1 the higher."""

    def mixed(first: float, second: float) -> float:
        return first + (second - first) * share

    return Step(
        cpu=mixed(low.cpu, high.cpu),
        waits=mixed(low.waits, high.waits),
        usage=prices.total([prices.scaled(low.usage, 1 - share), prices.scaled(high.usage, share)]),
        log_octets=mixed(low.log_octets, high.log_octets),
        calls={name: mixed(low.calls.get(name, 0), high.calls.get(name, 0)) for name in {**low.calls, **high.calls}},
        threads=max(low.threads, high.threads),
        refreshes=(high if share > 0 else low).refreshes,
    )


def _check(cold: Sequence[Call], steady: Sequence[Call], remembered: Mapping[str, float]) -> None:
    """A call of the first invocation alone that nobody has a time for would be counted as happening never again."""
    unknown = {call.name for call in cold} - {call.name for call in steady} - set(remembered)
    if unknown:
        raise Unpriced(f"asked for by a cold function only, and nobody knows how often again: {sorted(unknown)}")


def _remembered(made: Services) -> Mapping[str, float]:
    """Calls whose answers the code keeps in a `Recent`, by name, and for how many seconds."""
    accounts, domains = made.settings.accounts_table, made.settings.domains_table
    keys, signing = _seconds(made.api_keys), _seconds(made.dkim_keys)
    return {
        f"dynamodb GetItem {accounts}/key": keys,
        f"dynamodb GetItem {accounts}/account": keys,
        f"dynamodb GetItem {domains}/domain": _seconds(made.domains),
        f"dynamodb GetItem {domains}/dkim": signing,
        "kms Decrypt": signing,
        "secretsmanager GetSecretValue": made._keyring.seconds,
    }


def _seconds(holder: Any) -> float:
    """Read where it is kept, because a figure written twice is soon two figures."""
    (kept,) = (value for name in holder.__slots__ if isinstance(value := getattr(holder, name), Recent))
    return kept.seconds


def _refreshes(calls: Sequence[Call], remembered: Mapping[str, float]) -> tuple[Refresh, ...]:
    together: defaultdict[str, list[Call]] = defaultdict(list)
    for call in calls:
        together[call.name].append(call)
    return tuple(
        Refresh(seconds=remembered[name], usage=prices.total(call.usage for call in same), waits=same[0].wait)
        for name, same in together.items()
    )


def _counted(calls: Sequence[Call], share: float) -> Mapping[str, float]:
    counts: dict[str, float] = {}
    for call in calls:
        counts[call.name] = counts.get(call.name, 0) + share
    return counts


def _log_octets(run: Run) -> int:
    return sum(len(line.encode()) + _LOG_EVENT_OCTETS for line in run.log.splitlines(keepends=True))

"""What was measured, at a rate → what a message costs, part by part.

Each function is put to work at the rate: how large its batches are, how long one takes (processor time stretched to
its memory, plus waits), how many run at once, how often what they remember has to be asked again, how often
a new process starts. Everything is per message in the end.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from benchmarks import batches, meter, prices, steps, stream, traffic
from benchmarks.deployed import Deployed
from benchmarks.distance import Waits
from benchmarks.measured import Measured
from benchmarks.prices import Charge, Usage
from benchmarks.steps import Step

ENVIRONMENT_SECONDS = 2 * 3600
"""How long Lambda keeps a process that is in use before it starts a new one: observed, promised by nobody."""
_ROUNDING = 1e-6
RECORDS = 2
"""Of a message delivered at the first try, after the filter: accepted, delivered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that the bill is made of; `cold` is processor seconds of a first invocation by function."""

    measured: Measured
    waits: Waits
    deployed: Deployed
    cold: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A function at a rate. `batch` counts what it is fed with, `per_message` invocations."""

    step: Step
    memory: int
    seconds: float
    batch: float
    per_message: float
    at_once: int
    refreshed: Usage

    @property
    def run(self) -> Usage:
        return prices.scaled(prices.invocation(self.seconds, self.memory), self.per_message)

    @property
    def called(self) -> Usage:
        return prices.scaled(self.step.usage, self.per_message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Works:
    """`places` of the queue's mapping are how many deliver at once at most."""

    accept: Work
    deliver: Work
    publish: Work
    places: int

    @property
    def all(self) -> Mapping[str, Work]:
        return {"accept": self.accept, "deliver": self.deliver, "publish": self.publish}


def works(facts: Facts, case: str, rate: float, places: int = 0) -> Works:
    """With as many places as the template has, or as carry the rate, or as are asked for, whichever is most."""
    deployed, measured = facts.deployed, facts.measured
    places = max(deployed.deliver.concurrency, _places(facts, rate), places)
    deliver_size = batches.settle(rate, places, deployed.deliver.batch_size, lambda size: _lasts(facts, size))
    publish_size = stream.batch_size(rate * RECORDS, deployed.window, deployed.publish.batch_size)
    delivered = _delivery(facts, deliver_size)
    published = _between(measured.publish, publish_size)
    return Works(
        accept=_work(measured.accept[case], deployed.accept_memory, (1, 1), rate),
        deliver=_work(delivered, deployed.deliver.function.memory, (deliver_size, 1), rate),
        publish=_work(published, deployed.publish.function.memory, (publish_size, RECORDS), rate),
        places=places,
    )


def carried(facts: Facts) -> float:
    """Messages a second that the template's places carry away."""
    most = facts.deployed.deliver.batch_size
    return facts.deployed.deliver.concurrency * most / _lasts(facts, most)


def _places(facts: Facts, rate: float) -> int:
    return batches.places_needed(rate, facts.deployed.deliver.batch_size, lambda size: _lasts(facts, size))


def _lasts(facts: Facts, size: float) -> float:
    step = _delivery(facts, size)
    return prices.run_time(step.cpu, step.waits, facts.deployed.deliver.function.memory)


def _delivery(facts: Facts, size: float) -> Step:
    """What the threads of a delivery wait for together was measured from outside."""
    step = _between(facts.measured.deliver, size)
    largest = batches.largest_group(size, tuple(traffic.OPERATORS.values()))
    return replace(step, waits=facts.waits.of(largest))


def _between(measured: Mapping[int, Step], size: float) -> Step:
    low, high = min(measured), max(measured)
    return steps.between(measured[low], measured[high], (size - low) / (high - low)) if high > low else measured[low]


def _work(step: Step, memory: int, fed: tuple[float, float], rate: float) -> Work:
    """`fed`: how much comes in one invocation, and how much of it a message makes."""
    batch, each = fed
    invocations = rate * each / batch
    seconds = prices.run_time(step.cpu, step.waits, memory)
    at_once = math.ceil(invocations * seconds - _ROUNDING)
    asked = [(refresh, _misses(refresh.seconds, invocations / at_once)) for refresh in step.refreshes]
    refreshed = prices.total(prices.scaled(refresh.usage, chance) for refresh, chance in asked)
    return Work(
        step=step,
        memory=memory,
        seconds=seconds + sum(refresh.waits * chance for refresh, chance in asked),
        batch=batch,
        per_message=each / batch,
        at_once=at_once,
        refreshed=prices.scaled(refreshed, each / batch),
    )


def _misses(remembered: float, invocations: float) -> float:
    """How likely an invocation finds it forgotten: of 1 that asks and those that come while the answer is fresh."""
    return 1 / (1 + invocations * remembered)


def starts(facts: Facts, name: str, work: Work, rate: float) -> Usage:
    """New processes, per message; their first invocation is billed from the start of the interpreter."""
    seconds = prices.run_time(facts.cold[name], 0, work.memory)
    usage = {Charge.LAMBDA_GB_SECOND: prices.invocation(seconds, work.memory)[Charge.LAMBDA_GB_SECOND]}
    return prices.scaled(usage, work.at_once / ENVIRONMENT_SECONDS / rate)


def polled(facts: Facts, works: Works) -> Usage:
    octets = facts.measured.job_octets * works.deliver.batch
    return prices.scaled(meter.received(math.ceil(octets)), 1 / works.deliver.batch)


def logged(facts: Facts, works: Works) -> Usage:
    octets = sum(
        (work.step.log_octets + facts.deployed.system_log_octets) * work.per_message for work in works.all.values()
    )
    return {Charge.LOG_GB: octets / 1e9}

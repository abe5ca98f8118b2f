"""How long a delivery waits, measured: the real handler, at an AWS and an internet that are as late as the table says.

What a batch waits for is decided by threads, by connections that are kept, and by the order of the calls. No model
of that stands here. Batches to one operator are carried while every answer is late; the time that passed,
less the processor's time in it, is what was waited. In such a batch everything happens one after
another, so the difference is exact. Two sizes give the line:

    waits = setup + each · (jobs of the largest operator)

and a batch to many operators shows whether it holds for them, that is, whether their waits do overlap.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks import lambdas, scene
from benchmarks.lambdas import Run
from benchmarks.scene import Scene

_FEW, _MANY = 1, 4
_TIMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Seconds. `mixed` is what a batch of ten waited whose largest group was `_MANY`; the line says `predicted`."""

    setup: float
    each: float
    mixed: float

    def of(self, largest_group: float) -> float:
        return self.setup + self.each * largest_group

    @property
    def predicted(self) -> float:
        return self.of(_MANY)


def measure() -> Waits:
    with scene.at_the_stub(far=True) as stage:
        _carried(stage, stage.recipients.together(1))  # loads what is loaded once
        few = _median(stage, lambda: stage.recipients.together(_FEW))
        many = _median(stage, lambda: stage.recipients.together(_MANY))
        mixed = _carried(stage, _mixed(stage)).waits
    each = (many - few) / (_MANY - _FEW)
    return Waits(setup=few - _FEW * each, each=each, mixed=mixed)


def _median(stage: Scene, recipients: Callable[[], Sequence[str]]) -> float:
    return statistics.median(_carried(stage, recipients()).waits for _ in range(_TIMES))


def _mixed(stage: Scene) -> list[str]:
    """Ten jobs of seven operators: four, and one or two for each of the others."""
    groups = (_MANY, 1, 1, 1, 1, 1, 1)
    return [recipient for size in groups for recipient in stage.recipients.together(size)]


def _carried(stage: Scene, recipients: Sequence[str]) -> Run:
    for recipient in recipients:
        lambdas.accept(stage.submission(recipient))
    (event,) = list(stage.jobs([len(recipients)]))
    return lambdas.deliver(event)

"""How many jobs come in one invocation, and how they spread over mail operators. Pure.

**The batch that a rate makes.** The queue hands over what it has whenever one of the mapping's c places is free.
Each place is busy for d(b) seconds with a batch of b, so one comes free every d/c seconds; meanwhile r·d/c
jobs have arrived, and they are the next batch: b = min(10, max(1, r·d(b)/c)). Larger batches take longer and
longer ones grow the next batch, so the equation is iterated from b = 1 to the first b that reproduces itself.

**The group that a batch waits for.** Jobs of one operator go one after another over one connection, those of
different operators side by side. An invocation lasts as long as its largest group.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache

_ENOUGH = 1e-9
_ROUNDS = 10_000


def settle(rate: float, places: int, most: int, seconds: Callable[[float], float]) -> float:
    """The batch that reproduces itself; `seconds(b)` grows with b, `most` is the queue's largest batch."""
    size = 1.0
    for _ in range(_ROUNDS):
        following = min(float(most), max(1.0, rate * seconds(size) / places))
        if abs(following - size) < _ENOUGH:
            break
        size = following
    return following


def places_needed(rate: float, most: int, seconds: Callable[[float], float]) -> int:
    """The fewest places that carry this rate away."""
    return max(1, math.ceil(rate * seconds(most) / most))


def largest_group(size: float, shares: Sequence[float]) -> float:
    """Expected size of the largest group when each job is one operator's with the probability of its share.

    What the shares leave are domains with a server of their own, each a group of one. Exact for whole
    numbers, in between on a straight line.
    """
    below = math.floor(size)
    exact = _largest_group(below, tuple(shares))
    return exact + (size - below) * (_largest_group(below + 1, tuple(shares)) - exact) if size > below else exact


def groups(size: float, shares: Sequence[float]) -> float:
    """Expected number of groups, which is that of connections."""
    return size * (1 - sum(shares)) + sum(1 - math.pow(1 - share, size) for share in shares)


@cache
def _largest_group(size: int, shares: tuple[float, ...]) -> float:
    return math.fsum(chance * max(1, *counts) for counts, chance in _spreads(size, shares)) if shares else 1.0


def _spreads(size: int, shares: tuple[float, ...]) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every way in which `size` jobs can fall on the operators, and its probability (multinomial)."""
    alone = 1.0 - sum(shares)
    for counts in _counts(size, len(shares)):
        left = size - sum(counts)
        ways = math.factorial(size) / math.prod(map(math.factorial, (*counts, left)))
        yield counts, ways * alone**left * math.prod(share**count for share, count in zip(shares, counts, strict=True))


def _counts(most: int, operators: int) -> Iterator[tuple[int, ...]]:
    if operators == 0:
        yield ()
        return
    for first in range(most + 1):
        for others in _counts(most - first, operators - 1):
            yield first, *others

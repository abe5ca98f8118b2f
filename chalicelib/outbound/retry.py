"""When to try again: the waits of the settings, spread a little, until the message is three days old."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

LIFETIME_SECONDS = 72 * 3600
_SPREAD = 0.1
_MOST_ATTEMPTS = 25
"""As many as a delivery remembers (docs/keys.md); the default waits come to fewer."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`waits` in seconds: after the first attempt, after the second, …; the last one repeats."""

    waits: Sequence[float]

    def next_attempt(self, attempt: int, *, accepted: float, now: float) -> float | None:
        """Epoch seconds; None when the message has expired. The last attempt is made at the end of its life."""
        end = accepted + LIFETIME_SECONDS
        if now >= end or attempt >= _MOST_ATTEMPTS:
            return None
        wait = self.waits[min(attempt, len(self.waits)) - 1]
        return min(end, now + wait * random.uniform(1 - _SPREAD, 1 + _SPREAD))  # noqa: S311 (no secret)

"""The status of a message: the statuses of its deliveries, folded into one word."""

from collections.abc import Iterable

from chalicelib.events.delivery import Status

_ORDER = (Status.SIMULATED, Status.QUEUED, Status.DEFERRED, Status.DELIVERED, Status.BOUNCED, Status.FAILED)


def fold(statuses: Iterable[Status]) -> Status:
    """Queued while any is untried, else deferred while any may still be tried, else delivered if any was."""
    present = set(statuses)
    return next(status for status in _ORDER if status in present)

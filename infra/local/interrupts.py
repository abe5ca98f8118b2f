"""Ctrl-C and its like (SIGTERM, SIGHUP), heard where it suits.

Within `at_once` an interrupt is raised where it finds the program; everywhere else it is only written down, so
that what was begun is ended and what was made is taken away, however often somebody presses the keys.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    def __init__(self) -> None:
        self._came: int | None = None
        self._at_once = False

    def watch(self) -> None:
        """From here on, for the rest of the process."""
        for number in SIGNALS:
            signal.signal(number, self._hear)

    @property
    def exit_code(self) -> int | None:
        """As a shell gives it for the first signal that came: 130 for Ctrl-C."""
        return None if self._came is None else 128 + self._came

    def check(self) -> None:
        if self._came is not None:
            raise KeyboardInterrupt

    @contextmanager
    def at_once(self) -> Iterator[None]:
        self._at_once = True
        try:
            self.check()
            yield
        finally:
            self._at_once = False
        self.check()

    def _hear(self, number: int, _: object) -> None:
        self._came = self._came or number
        if self._at_once:
            self._at_once = False
            raise KeyboardInterrupt

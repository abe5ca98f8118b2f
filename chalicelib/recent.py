"""What was read a moment ago, so that it is not read again: bounded in number and in age, safe between threads."""

from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Generic, TypeVar

from cachetools import TTLCache

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """`seconds` is how long an answer is remembered."""

    def __init__(self, *, seconds: float, size: int = 4096) -> None:
        self.seconds = seconds
        self._values: TTLCache[K, V] = TTLCache(size, seconds)
        self._reading: dict[K, Lock] = {}
        self._lock = Lock()

    def get(self, key: K, read: Callable[[], V]) -> V:
        """The remembered value, or what `read` returns; what it raises is not remembered.

        Threads that want the same value at the same moment wait for the one that reads it.
        """
        with self._lock:
            with suppress(KeyError):
                return self._values[key]  # looked up once: between two looks it may expire
            reading = self._reading.setdefault(key, Lock())
        with reading:
            return self._read(key, read)

    def forget(self, key: K) -> None:
        with self._lock:
            self._values.pop(key, None)

    def _read(self, key: K, read: Callable[[], V]) -> V:
        with self._lock, suppress(KeyError):
            return self._values[key]
        try:
            value = read()
            with self._lock:
                self._values[key] = value
            return value
        finally:
            with self._lock:
                self._reading.pop(key, None)

"""What was read a moment ago, so that it is not read again: bounded in number and in age, safe between threads."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from cachetools import TTLCache

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    def __init__(self, *, seconds: float, size: int = 4096) -> None:
        self._values: TTLCache[K, V] = TTLCache(size, seconds)
        self._lock = Lock()

    def get(self, key: K, read: Callable[[], V]) -> V:
        """The remembered value, or what `read` returns; what it raises is not remembered."""
        with self._lock:
            if key in self._values:
                return self._values[key]
        value = read()
        with self._lock:
            self._values[key] = value
        return value

    def forget(self, key: K) -> None:
        with self._lock:
            self._values.pop(key, None)

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.recent import Recent


def counting(value: str = "value", pause: float = 0) -> tuple[Callable[[], str], list[int]]:
    reads: list[int] = []

    def read() -> str:
        reads.append(1)
        time.sleep(pause)
        return value

    return read, reads


def test_what_was_read_is_not_read_again() -> None:
    recent: Recent[str, str] = Recent(seconds=60)
    read, reads = counting()
    assert [recent.get("a", read) for _ in range(3)] == ["value"] * 3
    assert len(reads) == 1


def test_what_is_old_is_read_again() -> None:
    recent: Recent[str, str] = Recent(seconds=0.01)
    read, reads = counting()
    recent.get("a", read)
    time.sleep(0.02)
    recent.get("a", read)
    assert len(reads) == 2


def test_what_was_forgotten_is_read_again() -> None:
    recent: Recent[str, str] = Recent(seconds=60)
    read, reads = counting()
    recent.get("a", read)
    recent.forget("a")
    recent.get("a", read)
    assert len(reads) == 2


def test_a_failure_is_not_remembered() -> None:
    recent: Recent[str, str] = Recent(seconds=60)

    def fail() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        recent.get("a", fail)
    assert recent.get("a", lambda: "value") == "value"


def test_threads_that_want_the_same_read_it_once() -> None:
    recent: Recent[str, str] = Recent(seconds=60)
    read, reads = counting(pause=0.05)
    with ThreadPoolExecutor(10) as threads:
        assert set(threads.map(lambda _: recent.get("a", read), range(10))) == {"value"}
    assert len(reads) == 1


def test_expiry_under_many_threads_is_never_an_error() -> None:
    recent: Recent[int, int] = Recent(seconds=0.0005, size=8)
    end = time.monotonic() + 0.3
    failures: list[Exception] = []

    def ask() -> None:
        number = 0
        while time.monotonic() < end:
            number += 1
            try:
                recent.get(number % 16, lambda: 1)
            except Exception as failure:
                failures.append(failure)
                return

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []

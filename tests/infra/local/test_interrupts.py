"""Interrupts: raised at once where that is allowed, and remembered everywhere else."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.local.interrupts import SIGNALS, Interrupts


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    watching = Interrupts()
    watching.watch()
    yield watching
    for number, handler in before.items():
        signal.signal(number, handler)


def interrupt(number: int = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)
    threading.Event().wait(0.01)


def interrupt_and_fail_if_it_goes_on() -> None:
    interrupt()
    pytest.fail("it went on")


@contextmanager
def clearing_up_under_an_interrupt(cleared: list[str]) -> Iterator[None]:
    try:
        yield
    finally:
        interrupt()
        cleared.append("wholly")


def test_without_an_interrupt_nothing_happens(interrupts: Interrupts) -> None:
    with interrupts.at_once():
        interrupts.check()
    assert interrupts.exit_code is None


def test_an_interrupt_is_raised_where_it_is_heard_at_once(interrupts: Interrupts) -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.at_once():
        interrupt_and_fail_if_it_goes_on()
    assert interrupts.exit_code == 130


def test_elsewhere_it_waits_until_it_is_asked_for(interrupts: Interrupts) -> None:
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        interrupts.check()
    with pytest.raises(KeyboardInterrupt), interrupts.at_once():
        pytest.fail("it began")


def test_a_second_one_does_not_disturb_the_clearing_up(interrupts: Interrupts) -> None:
    cleared: list[str] = []
    with pytest.raises(KeyboardInterrupt), interrupts.at_once(), clearing_up_under_an_interrupt(cleared):
        interrupt_and_fail_if_it_goes_on()
    assert cleared == ["wholly"]


def test_the_exit_code_tells_the_first_signal(interrupts: Interrupts) -> None:
    interrupt(signal.SIGTERM)
    interrupt(signal.SIGINT)
    assert interrupts.exit_code == 143

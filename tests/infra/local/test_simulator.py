"""What the simulator's addresses answer at RCPT."""

import pytest

from infra.local.simulator import Simulator


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("bounce@simulator.test", "550 5.1.1"),
        ("Bounce+17@simulator.test", "550 5.1.1"),
        ("defer@simulator.test", "451 4.2.1"),
        ("greylist@simulator.test", "450 4.7.1"),
    ],
)
def test_an_address_is_refused_as_it_says(address: str, code: str) -> None:
    refusal = Simulator().refusal("a@acme.test", address)
    assert refusal is not None
    assert refusal.startswith(code)


@pytest.mark.parametrize("address", ["slow@simulator.test", "anyone@simulator.test", "bounced@simulator.test"])
def test_other_addresses_are_accepted(address: str) -> None:
    assert Simulator().refusal("a@acme.test", address) is None


def test_greylist_puts_off_each_sender_once_for_each_recipient() -> None:
    simulator = Simulator()
    for mail_from in ("a@acme.test", "b@acme.test"):
        for address in ("greylist@simulator.test", "greylist+2@simulator.test"):
            assert simulator.refusal(mail_from, address) is not None
            assert simulator.refusal(mail_from, address) is None


def test_defer_never_accepts() -> None:
    simulator = Simulator()
    assert all(simulator.refusal("a@acme.test", "defer@simulator.test") for _ in range(5))


def test_only_slow_is_slow() -> None:
    assert Simulator().pause("slow@simulator.test") == 5
    assert Simulator().pause("fast@simulator.test") == 0

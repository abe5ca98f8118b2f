"""Where a stack's ports and state are, and what keeps it from starting."""

import re
import socket
from dataclasses import astuple
from pathlib import Path

import pytest

from infra import template
from infra.local import plan
from infra.local.plan import CannotStart, Plan, Ports


def test_by_default_the_ports_are_8000_8025_8053_2527_and_4566() -> None:
    assert plan.read({}).ports == Ports(api=8000, inbox=8025, dns=8053, receivers=2527, aws=4566)


def test_a_base_moves_every_port_into_its_block() -> None:
    moved = astuple(plan.read({"PORT_BASE": "20000"}).ports)
    assert sorted(moved) == list(range(20_000, 20_000 + len(moved)))


def test_a_state_folder_can_be_named(tmp_path: Path) -> None:
    assert plan.read({"STATE_DIR": str(tmp_path)}).told == tmp_path / "stack.json"


@pytest.mark.parametrize("base", ["80", "65500", "x", "-1", "²", "2e4"])
def test_a_base_that_is_none_is_refused(base: str) -> None:
    with pytest.raises(CannotStart, match="PORT_BASE"):
        plan.read({"PORT_BASE": base})


@pytest.mark.parametrize("waits", ["", "5", "5,30", "0010,2"])
def test_waits_that_are_some_are_handed_on_as_they_are(waits: str) -> None:
    assert plan.read({"RETRY_WAITS": waits}).parameters == {"RetryWaits": waits}


@pytest.mark.parametrize("waits", ["0", "5,", ",5", "5,0", "5, 30", "1.5", "-1", "x", "²", "5\n"])
def test_waits_that_are_none_are_refused(waits: str) -> None:
    with pytest.raises(CannotStart, match=r"^RETRY_WAITS"):
        plan.read({"RETRY_WAITS": waits})


@pytest.mark.parametrize("text", ["", "5", "5,30", "00", "0", "5,", ",", "5,,6", "1.5", "a", "10,01", "0,1"])
def test_waits_are_judged_as_the_template_judges_them(text: str) -> None:
    allowed = re.compile(template.overlay(local=False)["Parameters"]["RetryWaits"]["AllowedPattern"])
    try:
        plan.read({"RETRY_WAITS": text})
        taken = True
    except CannotStart:
        taken = False
    assert taken is bool(allowed.fullmatch(text))


@pytest.mark.parametrize("events", ["", "all", "delivered", "delivered,bounced"])
def test_events_for_the_bus_are_handed_on_as_they_are(events: str) -> None:
    assert plan.read({"BUS_EVENTS": events}).parameters == {"BusEvents": events}


@pytest.mark.parametrize("events", ["ALL", "all,delivered", "delivered, bounced", "delivered,", "arrived"])
def test_events_that_do_not_exist_are_refused(events: str) -> None:
    with pytest.raises(CannotStart, match=r"^BUS_EVENTS"):
        plan.read({"BUS_EVENTS": events})


def test_what_is_not_given_is_left_to_the_template() -> None:
    assert plan.read({}).parameters == {}


@pytest.mark.sockets
def test_a_port_that_is_taken_is_named_with_the_way_out(tmp_path: Path) -> None:
    template = tmp_path / "sam.json"
    template.write_text("{}")
    ports = Ports.block(plan.free_base())
    with (
        socket.create_server(("127.0.0.1", ports.dns)),
        pytest.raises(CannotStart, match=rf"port {ports.dns} \(dns\).*PORT_BASE"),
    ):
        plan.check(Plan(state=tmp_path, ports=ports, template=template))


def test_a_template_that_is_missing_is_named_with_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="make package"):
        plan.check(Plan(state=tmp_path, ports=Ports(), template=tmp_path / "sam.json"))

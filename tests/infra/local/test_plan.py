"""Where a stack's ports and state are, and what keeps it from starting."""

import socket
from dataclasses import astuple
from pathlib import Path

import pytest

from infra.local import plan
from infra.local.plan import CannotStart, Plan, Ports


def test_by_default_the_ports_are_those_of_the_documentation() -> None:
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

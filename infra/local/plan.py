"""Where a local stack keeps its state and which ports it takes: `PORT_BASE` and `STATE_DIR` move them."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

HOST = "127.0.0.1"
PROJECT = Path(__file__).parents[2]

_LOWEST_BASE, _HIGHEST_BASE = 1024, 65_000
_OWN_BLOCKS = (23_000, 32_000, 100)
"""From, to and step: below the ports that Linux gives to clients."""


class CannotStart(Exception):
    """One line that says what is in the way and what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """In a block of its own, each is `PORT_BASE` plus its place in this list."""

    api: int = 8000
    inbox: int = 8025
    dns: int = 8053
    receivers: int = 2527
    aws: int = 4566

    @classmethod
    def block(cls, base: int) -> "Ports":
        return cls(**{field.name: base + place for place, field in enumerate(fields(cls))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`template` is what `make package STAGE=local` made."""

    state: Path
    ports: Ports
    template: Path = PROJECT / "dist" / "local" / "sam.json"

    @property
    def told(self) -> Path:
        """What programs read to find a running stack."""
        return self.state / "stack.json"

    @property
    def zone_file(self) -> Path:
        return self.state / "zone.txt"

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self.ports.api}"

    @property
    def inbox_url(self) -> str:
        return f"http://{HOST}:{self.ports.inbox}"


def read(environment: Mapping[str, str]) -> Plan:
    base = environment.get("PORT_BASE", "")
    return Plan(
        state=Path(environment.get("STATE_DIR") or PROJECT / ".local").resolve(),
        ports=Ports.block(_port_base(base)) if base else Ports(),
    )


def check(plan: Plan) -> None:
    """That everything a stack needs is there and free, before anything is started."""
    if not plan.template.exists():
        raise CannotStart(
            f"{plan.template} is not there: `make package STAGE=local` makes it, and `make run` by itself"
        )
    _check_ports(plan.ports)


def free_base() -> int:
    """A PORT_BASE whose whole block is free now."""
    blocks = list(range(*_OWN_BLOCKS))
    own = os.getpid() % len(blocks)  # two processes that look at the same moment look at different blocks first
    for base in blocks[own:] + blocks[:own]:
        try:
            _check_ports(Ports.block(base))
        except CannotStart:
            continue
        return base
    raise CannotStart("no block of ports is free")


def _check_ports(ports: Ports) -> None:
    for field in fields(ports):
        _check_free(field.name, getattr(ports, field.name))


def _check_free(part: str, port: int) -> None:
    try:
        socket.create_server((HOST, port)).close()
    except OSError as failure:
        raise CannotStart(
            f"port {port} ({part}) cannot be taken: {os.strerror(failure.errno or 0)}. Is a stack running already? "
            "PORT_BASE=20000 moves all ports of this one, STATE_DIR=… its state"
        ) from None


def _port_base(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not _LOWEST_BASE <= int(text) <= _HIGHEST_BASE:
        raise CannotStart(f"PORT_BASE is a number from {_LOWEST_BASE} to {_HIGHEST_BASE}, not {text!r}")
    return int(text)

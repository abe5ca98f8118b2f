"""What a local stack is told from outside, checked before anything is started.

`STATE_DIR` and `PORT_BASE` move its state and its ports; `RETRY_WAITS` and `BUS_EVENTS` are settings that a
deployed stack has as parameters, under the same rules.
"""

import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from chalicelib.events.history import EventType

HOST = "127.0.0.1"
PROJECT = Path(__file__).parents[2]

_LOWEST_BASE, _HIGHEST_BASE = 1024, 65_000
_OWN_BLOCKS = (23_000, 32_000, 100)
"""From, to and step: below the ports that Linux gives to clients."""
_WAITS = re.compile(r"([0-9]*[1-9][0-9]*(,[0-9]*[1-9][0-9]*)*)?")


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
        return cls(**{part.name: base + place for place, part in enumerate(fields(cls))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`parameters` are those given from outside; `template` is what `make package STAGE=local` made."""

    state: Path
    ports: Ports
    parameters: Mapping[str, str] = field(default_factory=dict)
    template: Path = PROJECT / "dist" / "local" / "sam.json"

    @property
    def told(self) -> Path:
        """What programs read to find a running stack."""
        return self.state / "stack.json"

    @property
    def aws_pid(self) -> Path:
        """Which process the MiniStack of this state is, for as long as it runs."""
        return self.state / "aws.pid"

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
        parameters={
            parameter: check(environment[variable])
            for variable, (parameter, check) in _PARAMETERS.items()
            if variable in environment
        },
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
    for part in fields(ports):
        _check_free(part.name, getattr(ports, part.name))


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


def _retry_waits(text: str) -> str:
    if not _WAITS.fullmatch(text):
        raise CannotStart(f"RETRY_WAITS is whole seconds above 0 with commas (5,30 for example), not {text!r}")
    return text


def _bus_events(text: str) -> str:
    if text not in ("", "all") and not set(text.split(",")) <= set(EventType):
        raise CannotStart(f"BUS_EVENTS is empty, all, or some of {','.join(EventType)} with commas, not {text!r}")
    return text


_PARAMETERS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "RETRY_WAITS": ("RetryWaits", _retry_waits),
    "BUS_EVENTS": ("BusEvents", _bus_events),
}

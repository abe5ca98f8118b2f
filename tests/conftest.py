"""Four tiers of tests, by what they touch, and what each of them shares.

    pure       nothing outside the process; every test without another mark
    steps      AWS in memory (moto)
    sockets    servers and clients on loopback
    journeys   the whole: MiniStack, the packaged functions, the local stack

Pure tests and steps may open no connection at all, the others none that leaves loopback. It is the
interpreter that refuses, whichever library asks.
"""

import ipaddress
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

TIERS = {
    "pure": "touches nothing outside the process",
    "steps": "uses AWS in memory (moto)",
    "sockets": "speaks over loopback",
    "journeys": "runs the whole in MiniStack or the local stack",
}
WITHOUT_SOCKETS = ("pure", "steps")
OUTGOING = frozenset({"socket.connect", "socket.sendto", "socket.bind", "socket.getaddrinfo"})


class Fence:
    """What the test that is running may open; before and between tests nothing is refused."""

    tier: str | None = None

    def judge(self, event: str, details: tuple[Any, ...]) -> None:
        if self.tier is None or event not in OUTGOING:
            return
        address = details[0] if event == "socket.getaddrinfo" else _host(details[1])
        if self.tier in WITHOUT_SOCKETS:
            raise RuntimeError(f"a test of the tier {self.tier} opened a socket: {event} {address}")
        if not _stays_here(address):
            raise RuntimeError(f"a test tried to leave loopback: {event} {address}")


FENCE = Fence()


def _host(address: Any) -> Any:
    return address[0] if isinstance(address, tuple) else None


def _stays_here(host: Any) -> bool:
    """Anything but an internet address (a Unix socket) does."""
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback
    except ValueError:
        return False


def pytest_configure(config: pytest.Config) -> None:
    for tier, meaning in TIERS.items():
        config.addinivalue_line("markers", f"{tier}: {meaning}")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
    sys.addaudithook(FENCE.judge)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not any(item.get_closest_marker(tier) for tier in TIERS):
            item.add_marker("pure")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    FENCE.tier = next(tier for tier in reversed(TIERS) if item.get_closest_marker(tier))
    try:
        return (yield)
    finally:
        FENCE.tier = None


@pytest.fixture
def aws() -> Iterator[Mapping[str, str]]:
    """AWS in memory, with all that holds data, empty; the settings that name it, as in a function's environment."""
    from moto import mock_aws

    from tests import memory

    with mock_aws():
        yield memory.create()


@pytest.fixture(scope="session")
def prod_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `make package` fills, for AWS."""
    return _packaged("prod", tmp_path_factory)


@pytest.fixture(scope="session")
def local_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for MiniStack on this machine."""
    return _packaged("local", tmp_path_factory)


def _packaged(stage: str, folders: pytest.TempPathFactory) -> Path:
    from infra import package

    return package.build(stage, folders.mktemp(stage)).parent

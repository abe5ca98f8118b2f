"""The fence around the tests holds: what has no mark opens nothing, and nothing leaves loopback."""

import socket

import pytest


def test_a_pure_test_listens_nowhere() -> None:
    with socket.socket() as ours, pytest.raises(RuntimeError, match="pure"):
        ours.bind(("127.0.0.1", 0))


def test_a_pure_test_asks_no_name_server() -> None:
    with pytest.raises(RuntimeError, match="pure"):
        socket.getaddrinfo("localhost", 25)


@pytest.mark.steps
def test_a_step_reaches_nobody() -> None:
    with socket.socket() as ours, pytest.raises(RuntimeError, match="steps"):
        ours.connect(("127.0.0.1", 9))


@pytest.mark.sockets
def test_loopback_may_be_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


@pytest.mark.sockets
@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1"])
def test_nothing_leaves_loopback(address: str) -> None:
    with socket.socket() as ours, pytest.raises(RuntimeError, match="leave loopback"):
        ours.connect((address, 25))


@pytest.mark.sockets
def test_no_name_server_is_asked() -> None:
    with pytest.raises(RuntimeError, match="leave loopback"):
        socket.getaddrinfo("mx.example", 25)


@pytest.mark.sockets
def test_no_datagram_leaves_loopback() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as ours, pytest.raises(RuntimeError, match="leave loopback"):
        ours.sendto(b"", ("192.0.2.1", 53))

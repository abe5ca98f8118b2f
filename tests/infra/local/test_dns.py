"""The DNS server over real sockets, asked by dnspython's own client."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.resolver
import pytest

from infra.local import background
from infra.local import dns as server

pytestmark = pytest.mark.sockets

TEXT = "acme.test. 30 MX 10 mx.acme.test.\nmx.acme.test. 30 A 127.0.0.1\n;fault silent mute.test.\n"
BIG = "big.test. 30 TXT " + " ".join(f'"{number:0200}"' for number in range(10)) + "\n"


@pytest.fixture
def zone_file(tmp_path: Path) -> Path:
    path = tmp_path / "zone.txt"
    path.write_text(TEXT + BIG)
    return path


@pytest.fixture
def port(zone_file: Path) -> Iterator[int]:
    with background.held(server.serving(zone_file, 0)) as chosen:
        yield chosen


def udp(port: int, name: str, rdtype: str = "A", payload: int | None = None) -> dns.message.Message:
    query = dns.message.make_query(name, rdtype, use_edns=payload is not None, payload=payload)
    return dns.query.udp(query, "127.0.0.1", port=port, timeout=2)


def test_a_resolver_gets_its_answer(port: int) -> None:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], port
    assert str(resolver.resolve("acme.test", "MX")[0]) == "10 mx.acme.test."


def test_what_does_not_fit_into_a_datagram_comes_by_tcp(port: int) -> None:
    assert udp(port, "big.test", "TXT").flags & dns.flags.TC
    query = dns.message.make_query("big.test", "TXT")
    answer, by_tcp = dns.query.udp_with_fallback(query, "127.0.0.1", port=port, timeout=2)
    assert by_tcp
    assert len(answer.answer[0][0].strings) == 10


def test_edns_makes_room_in_a_datagram(port: int) -> None:
    assert not udp(port, "big.test", "TXT", payload=4096).flags & dns.flags.TC


def test_a_silent_name_is_a_time_out_for_whoever_asks(port: int) -> None:
    with pytest.raises(dns.exception.Timeout):
        dns.query.udp(dns.message.make_query("mute.test", "A"), "127.0.0.1", port=port, timeout=0.2)


def test_a_changed_file_is_read_again(port: int, zone_file: Path) -> None:
    assert udp(port, "new.test").rcode() == dns.rcode.NXDOMAIN
    zone_file.write_text(TEXT + "new.test. 30 A 127.0.0.9\n")
    assert str(udp(port, "new.test").answer[0][0]) == "127.0.0.9"


def test_a_mistake_or_a_missing_file_leaves_the_last_good_zone(
    port: int, zone_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    zone_file.write_text("acme.test. 30 MX mistake\n")
    assert udp(port, "mx.acme.test").answer
    assert "has a mistake" in capfd.readouterr().err
    os.unlink(zone_file)
    assert udp(port, "mx.acme.test").answer


def test_several_queries_share_a_tcp_connection(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=2) as link:
        for name in ("acme.test", "mx.acme.test"):
            answer = dns.query.tcp(dns.message.make_query(name, "A"), "127.0.0.1", port=port, sock=link)
            assert answer.rcode() == dns.rcode.NOERROR


def test_a_transfer_and_a_notify_are_refused(port: int) -> None:
    assert udp(port, "acme.test", "AXFR").rcode() == dns.rcode.REFUSED
    notify = dns.message.make_query("acme.test", "SOA")
    notify.set_opcode(dns.opcode.NOTIFY)
    assert dns.query.udp(notify, "127.0.0.1", port=port, timeout=2).rcode() == dns.rcode.NOTIMP


def test_a_connection_that_is_open_at_the_end_is_hung_up_on(zone_file: Path) -> None:
    with background.held(server.serving(zone_file, 0)) as chosen:
        link = socket.create_connection(("127.0.0.1", chosen), timeout=2)
        dns.query.tcp(dns.message.make_query("acme.test", "A"), "127.0.0.1", port=chosen, sock=link)
    assert link.recv(1) == b""
    link.close()


def test_garbage_gets_no_answer_and_does_no_harm(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(0.1)
        for garbage in (b"", b"\0", b"\xff" * 40, dns.message.make_query("a.", "A").to_wire()[:-1]):
            link.sendto(garbage, ("127.0.0.1", port))
        with pytest.raises(TimeoutError):
            link.recv(512)
    with socket.create_connection(("127.0.0.1", port), timeout=2) as link:
        link.sendall(b"\xff\xff nothing like that many octets")
    assert udp(port, "mx.acme.test").answer

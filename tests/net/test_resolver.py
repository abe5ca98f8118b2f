"""Look-ups against the DNS server of the local stack, on loopback."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.mail.hosts import Failure, MxRecord
from chalicelib.net.resolver import Resolver
from infra.local import background, dns

pytestmark = pytest.mark.sockets

ZONE = """
$TTL 300
test.            SOA ns.test. hostmaster.test. 1 3600 600 86400 60
inbox.test.      MX 20 b.Inbox.test.
                 MX 10 a.inbox.test.
a.inbox.test.    A 192.0.2.1
                 A 192.0.2.2
b.inbox.test.    AAAA 2001:db8::1
null.test.       MX 0 .
bare.test.       A 192.0.2.3
alias.test.      CNAME inbox.test.
dangling.test.   CNAME nowhere.test.
;fault servfail broken.test.
;fault silent mute.test.
""" + "".join(f"many.test. MX {number} mx{number:02}.many.test.\n" for number in range(50))


@pytest.fixture
def zone_file(tmp_path: Path) -> Path:
    path = tmp_path / "zone.txt"
    path.write_text(ZONE)
    return path


@pytest.fixture
def port(zone_file: Path) -> Iterator[int]:
    with background.held(dns.serving(zone_file, 0)) as chosen:
        yield chosen


@pytest.fixture
def resolver(port: int) -> Resolver:
    return Resolver([("127.0.0.1", port)])


def test_mail_exchangers_come_with_their_preference(resolver: Resolver) -> None:
    found = resolver.mx("inbox.test")
    assert not isinstance(found, Failure)
    assert set(found) == {
        MxRecord(preference=10, host="a.inbox.test"),
        MxRecord(preference=20, host="b.inbox.test"),
    }
    assert set(resolver.mx("alias.test")) == set(found)
    assert resolver.mx("INBOX.test.") == found


def test_the_null_mx_is_a_lone_dot(resolver: Resolver) -> None:
    assert resolver.mx("null.test") == (MxRecord(preference=0, host="."),)


def test_no_such_record_is_not_no_such_name(resolver: Resolver) -> None:
    assert resolver.mx("bare.test") == ()
    assert resolver.addresses("inbox.test") == ()
    assert resolver.mx("nowhere.test") is Failure.NO_SUCH_NAME
    assert resolver.addresses("nowhere.test") is Failure.NO_SUCH_NAME
    assert resolver.mx("dangling.test") is Failure.NO_SUCH_NAME


@pytest.mark.parametrize("name", ["a..test", "x" * 64 + ".test", "a." * 130 + "test", "ü" * 80 + ".test"])
def test_a_name_that_cannot_be_does_not_exist(resolver: Resolver, name: str) -> None:
    assert resolver.mx(name) is Failure.NO_SUCH_NAME
    assert resolver.addresses(name) is Failure.NO_SUCH_NAME


def test_addresses_are_ipv4_unless_asked(resolver: Resolver) -> None:
    assert sorted(resolver.addresses("a.inbox.test")) == ["192.0.2.1", "192.0.2.2"]
    assert resolver.addresses("b.inbox.test") == ()
    assert resolver.addresses("b.inbox.test", ipv6=True) == ("2001:db8::1",)
    assert sorted(resolver.addresses("a.inbox.test", ipv6=True)) == ["192.0.2.1", "192.0.2.2"]
    assert resolver.addresses("nowhere.test", ipv6=True) is Failure.NO_SUCH_NAME


def test_trouble_is_for_now(resolver: Resolver) -> None:
    assert resolver.mx("broken.test") is Failure.TRY_AGAIN
    assert resolver.addresses("broken.test") is Failure.TRY_AGAIN


def test_silence_is_for_now_and_costs_the_time_out(port: int) -> None:
    started = time.monotonic()
    assert Resolver([("127.0.0.1", port)], timeout=0.4).mx("mute.test") is Failure.TRY_AGAIN
    assert 0.4 < time.monotonic() - started < 1


def test_a_name_server_that_is_not_there_is_for_now() -> None:
    assert Resolver([("127.0.0.1", 1)], timeout=0.2).mx("inbox.test") is Failure.TRY_AGAIN


def test_an_answer_too_large_for_a_datagram_comes_whole(resolver: Resolver) -> None:
    found = resolver.mx("many.test")
    assert not isinstance(found, Failure)
    assert len(found) == 50


def test_an_answer_is_remembered_and_trouble_is_not(resolver: Resolver, zone_file: Path) -> None:
    before = resolver.mx("inbox.test"), resolver.mx("nowhere.test"), resolver.mx("broken.test")
    zone_file.write_text("nowhere.test. MX 5 a.inbox.test.\nbroken.test. MX 5 a.inbox.test.\n")
    assert (resolver.mx("inbox.test"), resolver.mx("nowhere.test")) == before[:2]
    assert resolver.mx("broken.test") == (MxRecord(preference=5, host="a.inbox.test"),)

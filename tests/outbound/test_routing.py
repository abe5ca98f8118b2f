"""Routes as the DNS server of the local stack gives them, on loopback."""

from collections.abc import Iterator

import pytest

from chalicelib.mail.hosts import Server
from chalicelib.net.resolver import Resolver
from chalicelib.outbound.routing import Policy, Route, Unroutable, route
from infra.local import background, dns

pytestmark = pytest.mark.sockets

ZONE = """
$TTL 300
one.test.         MX 10 mx.one.test.
mx.one.test.      A 93.184.215.1
order.test.       MX 30 third.one.test.
                  MX 10 First.one.test.
                  MX 20 second.big.co.uk.
first.one.test.   A 93.184.215.11
second.big.co.uk. A 93.184.215.12
third.one.test.   A 93.184.215.13
equal.test.       MX 10 first.one.test.
                  MX 10 second.big.co.uk.
bare.test.        A 93.184.215.20
null.test.        MX 0 .
nullandmore.test. MX 0 .
                  MX 10 mx.one.test.
nothing.test.     TXT "neither MX nor address"
dangling.test.    MX 10 nowhere.test.
six.test.         MX 10 mx.six.test.
mx.six.test.      AAAA 2606:4700::1
private.test.     MX 10 private.one.test.
private.one.test. A 10.0.0.1
                  A 169.254.169.254
mixed.test.       MX 10 private.one.test.
                  MX 20 mixed.one.test.
mixed.one.test.   A 192.168.0.1
                  A 93.184.215.30
home.test.        MX 10 localhost.one.test.
localhost.one.test. A 127.0.0.1
ours.test.        MX 10 mx.postscale.test.
mx.postscale.test. A 93.184.215.40
backup.test.      MX 10 mx.one.test.
                  MX 20 MX.postscale.test.
                  MX 30 third.one.test.
bounces.postscale.test. A 93.184.215.40
half.test.        MX 10 mx.broken.test.
                  MX 20 mx.one.test.
unlucky.test.     MX 10 mx.broken.test.
                  MX 20 private.one.test.
wide.test.        MX 10 wide.one.test.
                  MX 20 mx.one.test.
full.test.        MX 10 wide.one.test.
                  MX 20 wide2.one.test.
twice.test.       MX 10 mx.one.test.
                  MX 20 mx.one.test.
                  MX 30 again.one.test.
again.one.test.   A 93.184.215.1
suffix.test.      MX 10 co.uk.
co.uk.            A 93.184.215.50
;fault servfail broken.test.
""" + "".join(
    f"wide{more}.one.test. A 93.184.216.{number}\n"
    for more, numbers in (("", range(1, 21)), ("2", range(21, 41)))
    for number in numbers
)

POLICY = Policy(own_hosts=frozenset({"mx.postscale.test", "bounces.postscale.test"}))


@pytest.fixture(scope="module")
def resolver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resolver]:
    path = tmp_path_factory.mktemp("dns") / "zone.txt"
    path.write_text(ZONE)
    with background.held(dns.serving(path, 0)) as port:
        yield Resolver([("127.0.0.1", port)])


def addresses(domain: str, resolver: Resolver, policy: Policy = POLICY) -> list[str]:
    found = route(domain, resolver, policy)
    assert isinstance(found, Route), found
    return [server.address for server in found.servers]


def test_a_domain_leads_to_its_mail_exchanger_and_the_one_who_runs_it(resolver: Resolver) -> None:
    server = Server(host="mx.one.test", address="93.184.215.1", port=2527)
    found = route("one.test", resolver, Policy(own_hosts=frozenset(), port=2527))
    assert found == Route(servers=(server,), operator="one.test")


def test_the_most_preferred_come_first(resolver: Resolver) -> None:
    assert addresses("order.test", resolver) == ["93.184.215.11", "93.184.215.12", "93.184.215.13"]


def test_chance_decides_among_equals_and_the_operator_stays_the_same(resolver: Resolver) -> None:
    routes = [route("equal.test", resolver, POLICY) for _ in range(60)]
    assert len({found.servers[0].host for found in routes if isinstance(found, Route)}) == 2
    assert {found.operator for found in routes if isinstance(found, Route)} == {"one.test"}


def test_a_domain_without_mail_exchangers_is_its_own(resolver: Resolver) -> None:
    server = Server(host="bare.test", address="93.184.215.20")
    assert route("Bare.test", resolver, POLICY) == Route(servers=(server,), operator="bare.test")


def test_a_host_that_is_a_public_suffix_is_its_own_operator(resolver: Resolver) -> None:
    found = route("suffix.test", resolver, POLICY)
    assert isinstance(found, Route)
    assert found.operator == "co.uk"


@pytest.mark.parametrize(
    ("domain", "enhanced"),
    [
        ("nowhere.test", "5.1.2"),
        ("nothing.test", "5.1.2"),
        ("null.test", "5.1.10"),
        ("dangling.test", "5.4.4"),
        ("six.test", "5.4.4"),
        ("private.test", "5.4.6"),
        ("home.test", "5.4.6"),
        ("ours.test", "5.4.6"),
        ("bounces.postscale.test", "5.4.6"),
        ("127.0.0.1", "5.1.2"),
        ("[127.0.0.1]", "5.1.2"),
        ("broken.test", "4.4.3"),
        ("unlucky.test", "4.4.3"),
    ],
)
def test_what_cannot_be_reached_says_why_and_for_how_long(resolver: Resolver, domain: str, enhanced: str) -> None:
    found = route(domain, resolver, POLICY)
    assert isinstance(found, Unroutable)
    assert (found.enhanced, found.permanent) == (enhanced, enhanced.startswith("5"))
    assert found.text


def test_bad_addresses_are_left_out_and_good_ones_are_used(resolver: Resolver) -> None:
    assert addresses("mixed.test", resolver) == ["93.184.215.30"]
    assert addresses("nullandmore.test", resolver) == ["93.184.215.1"]


def test_a_host_that_cannot_be_looked_up_does_not_hide_the_next(resolver: Resolver) -> None:
    assert addresses("half.test", resolver) == ["93.184.215.1"]


def test_where_we_are_the_backup_only_what_comes_before_us_is_used(resolver: Resolver) -> None:
    assert addresses("backup.test", resolver) == ["93.184.215.1"]


def test_loopback_is_for_the_local_stack_and_nothing_else_with_it(resolver: Resolver) -> None:
    local = Policy(own_hosts=frozenset(), allow_loopback=True)
    assert addresses("home.test", resolver, local) == ["127.0.0.1"]
    assert isinstance(route("private.test", resolver, local), Unroutable)


def test_a_route_is_short_and_one_host_does_not_fill_it(resolver: Resolver) -> None:
    assert len(addresses("wide.test", resolver)) == 4
    assert addresses("wide.test", resolver)[-1] == "93.184.215.1"
    assert len(addresses("full.test", resolver)) == 5


def test_an_address_is_tried_once(resolver: Resolver) -> None:
    assert addresses("twice.test", resolver) == ["93.184.215.1"]

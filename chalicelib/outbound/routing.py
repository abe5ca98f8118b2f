"""Where the mail of a domain goes: its MX hosts, their addresses, and whether we may speak to them.

RFC 5321 §5.1 (MX by preference, else the domain's own address), RFC 7505 (null MX). A domain's owner writes
what he likes into the DNS, so every address is judged before anybody connects to it, and it is the
judged address that is connected to: never one inside our own network, never ourselves.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from chalicelib.mail.hosts import Failure, MxRecord, Server
from chalicelib.mail.ip import is_loopback, is_public

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

    from chalicelib.net.resolver import Resolver

_SERVERS, _PER_HOST, _HOSTS = 5, 3, 10
"""At most: servers in a route, of those the addresses of one host, and hosts that are looked up to find them."""


_SECONDS = 10.0
"""After so long no further host is looked up: a domain whose name servers are silent holds up its neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`own_hosts` are our names in lower case. `allow_loopback` is for the local stack, where all hosts are there."""

    own_hosts: frozenset[str]
    port: int = 25
    allow_loopback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`servers` in the order in which to try them; `operator` names who runs them, for grouping and for care."""

    servers: tuple[Server, ...]
    operator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unroutable:
    """No server to speak to, for now or for good; `enhanced` is an RFC 3463 code."""

    permanent: bool
    enhanced: str
    text: str


_WORST_FIRST = ("4.4.3", "5.4.6", "5.4.4", "5.1.2")
"""Of several hosts' problems the one that is told: what may pass is never read as what will not."""


def route(domain: str, resolver: "Resolver", policy: Policy) -> Route | Unroutable:
    """The way to `domain` (A-labels)."""
    records = resolver.mx(domain)
    if isinstance(records, Failure):
        return _unknown(domain, records, missing="5.1.2")
    if records and all(record.host == "." for record in records):
        return Unroutable(permanent=True, enhanced="5.1.10", text=f"{domain} says that it takes no mail")
    candidates = records or (MxRecord(preference=0, host=domain.lower()),)
    hosts = _in_order(candidates, policy)
    if not hosts:
        return Unroutable(permanent=True, enhanced="5.4.6", text=f"the mail of {domain} would come back to us")
    servers = _servers(hosts, resolver, policy, missing="5.4.4" if records else "5.1.2")
    if isinstance(servers, Unroutable):
        return servers
    return Route(servers=servers, operator=_operator(records, servers) if records else domain.lower())


def _in_order(records: Sequence[MxRecord], policy: Policy) -> list[str]:
    """Most preferred first, chance among equals; from where we stand ourselves on it would be a loop."""
    ours = [record.preference for record in records if record.host in policy.own_hosts]
    useful = [record for record in records if record.preference < min(ours, default=1 << 16)]
    random.shuffle(useful)
    return [record.host for record in sorted(useful, key=lambda record: record.preference)]


def _servers(
    hosts: Sequence[str], resolver: "Resolver", policy: Policy, *, missing: str
) -> tuple[Server, ...] | Unroutable:
    servers: dict[str, Server] = {}
    problems: list[Unroutable] = []
    end = time.monotonic() + _SECONDS
    for host in hosts[:_HOSTS]:
        addresses = _addresses(host, resolver, policy, missing)
        if isinstance(addresses, Unroutable):
            problems.append(addresses)
        else:
            for address in addresses[:_PER_HOST]:
                servers.setdefault(address, Server(host=host, address=address, port=policy.port))
        if len(servers) >= _SERVERS or time.monotonic() > end:
            break
    if not servers:
        return min(problems, key=lambda problem: _WORST_FIRST.index(problem.enhanced))
    return tuple(servers.values())[:_SERVERS]


def _addresses(host: str, resolver: "Resolver", policy: Policy, missing: str) -> Sequence[str] | Unroutable:
    """Those of a host that we may speak to, in the order in which the DNS gave them."""
    addresses = resolver.addresses(host)
    if isinstance(addresses, Failure):
        return _unknown(host, addresses, missing=missing)
    if not addresses:
        return Unroutable(permanent=True, enhanced=missing, text=f"{host} has no IPv4 address")
    allowed = [address for address in addresses if _allowed(address, policy)]
    if not allowed:
        return Unroutable(permanent=True, enhanced="5.4.6", text=f"{host} is not on the public internet")
    return allowed


def _allowed(address: str, policy: Policy) -> bool:
    return is_public(address) or (policy.allow_loopback and is_loopback(address))


def _unknown(name: str, failure: Failure, *, missing: str) -> Unroutable:
    if failure is Failure.TRY_AGAIN:
        return Unroutable(permanent=False, enhanced="4.4.3", text=f"the name servers of {name} do not answer")
    return Unroutable(permanent=True, enhanced=missing, text=f"{name} does not exist")


def _operator(records: Sequence[MxRecord], servers: Sequence[Server]) -> str:
    """The registrable domain of the first host that is used; by name among equals, so that it stays the same."""
    used = {server.host for server in servers}
    first = min((record.preference, record.host) for record in records if record.host in used)
    return _suffixes().privatesuffix(first[1]) or first[1]


@cache
def _suffixes() -> "PublicSuffixList":
    """Read at the first use, once (40 ms). Names under unknown top-level domains, such as .test, work too."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(accept_unknown=True)

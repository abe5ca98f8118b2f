"""The records of the simulated internet, and what an authoritative server answers from them.

RFC 1034 §4.3.2 (CNAMEs are followed as far as we know them), RFC 2308 (no such name against no such
record), RFC 4592 (wildcards). The text is a master file (RFC 1035 §5) with as many origins as one likes.
A name can be broken for trials by a comment line, which holds for everything below it too:

    ;fault servfail broken.test.        the name servers of broken.test are in trouble
    ;fault silent   mute.test.          … or do not answer at all
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rrset
import dns.tokenizer
import dns.zonefile
from dns.name import Name, from_text, root
from dns.rdatatype import ANY, CNAME, SOA, RdataType
from dns.rrset import RRset

_FAULT = re.compile(r"^;\s*fault\s+(servfail|silent)\s+(\S+)", re.MULTILINE)
_DEFAULT_TTL = 60
_LONGEST_CHAIN = 8

Nodes = Mapping[Name, Mapping[RdataType, RRset]]


@unique
class Fault(StrEnum):
    SERVFAIL = "servfail"
    """Answered, but only with SERVFAIL."""
    SILENT = "silent"
    """Never answered: whoever asks runs into its time-out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """`nodes` by owner; `existing` has their ancestors too, the empty non-terminals of RFC 8020."""

    nodes: Nodes
    existing: frozenset[Name]
    faults: Mapping[Name, Fault]


def read(text: str) -> Records:
    """DNSException, with the line, when `text` is no master file."""
    nodes = _nodes(text)
    return Records(
        nodes=nodes,
        existing=frozenset(parent for name in nodes for parent in _upwards(name)),
        faults={from_text(name): Fault(fault) for fault, name in _FAULT.findall(text)},
    )


def answer(records: Records, query: dns.message.Message) -> dns.message.Message | None:
    """The reply to a query of class IN with one question; None where silence is the answer."""
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA
    name, rdtype = query.question[0].name, query.question[0].rdtype
    for _ in range(_LONGEST_CHAIN):
        fault = next((records.faults[parent] for parent in _upwards(name) if parent in records.faults), None)
        if fault:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response if fault is Fault.SERVFAIL else None
        found, target = _look_up(records, name, rdtype)
        response.answer.extend(found)
        if target is None:
            break
        name = target
    if target is None and not found:
        _deny(records, name, response)
    return response


def _look_up(records: Records, name: Name, rdtype: RdataType) -> tuple[list[RRset], Name | None]:
    """What answers the question here, and where a CNAME sends us on to."""
    node = _node(records, name)
    if CNAME in node and rdtype not in (CNAME, ANY):
        return [_owned(node[CNAME], name)], node[CNAME][0].target
    wanted = node.values() if rdtype == ANY else filter(None, [node.get(rdtype)])
    return [_owned(rrset, name) for rrset in wanted], None


def _node(records: Records, name: Name) -> Mapping[RdataType, RRset]:
    """The records of a name, or those of the wildcard under its closest encloser."""
    if name in records.existing:
        return records.nodes.get(name, {})
    encloser = next((parent for parent in _upwards(name) if parent in records.existing), root)
    return records.nodes.get(Name((b"*", *encloser.labels)), {})


def _deny(records: Records, name: Name, response: dns.message.Message) -> None:
    """No such name, or no such record there; the SOA says for how long that may be remembered."""
    if name not in records.existing and not _node(records, name):
        response.set_rcode(dns.rcode.NXDOMAIN)
    owners = (parent for parent in _upwards(name) if SOA in records.nodes.get(parent, {}))
    response.authority.extend(records.nodes[owner][SOA] for owner in owners)
    del response.authority[1:]


def _owned(rrset: RRset, name: Name) -> RRset:
    if rrset.name == name:
        return rrset
    return dns.rrset.from_rdata_list(name, rrset.ttl, list(rrset))


def _upwards(name: Name) -> Iterator[Name]:
    for first in range(len(name.labels)):
        yield Name(name.labels[first:])


class _Gathering(dns.zonefile.RRsetsReaderTransaction):
    """dnspython reads one zone at a time; this one takes the names, and the SOA, of any."""

    def __init__(self, manager: dns.zonefile.RRSetsReaderManager) -> None:
        super().__init__(manager, True, False)  # type: ignore[no-untyped-call]  # dnspython's own gap
        self.nodes: dict[Name, dict[RdataType, RRset]] = {}

    def add(self, *args: Any) -> None:
        name, ttl, rdata = args
        node = self.nodes.setdefault(name, {})
        empty = RRset(name, rdata.rdclass, rdata.rdtype)
        node.setdefault(rdata.rdtype, empty).add(rdata, ttl)
        if CNAME in node and len(node) > 1:
            raise ValueError(f"{name} has a CNAME and other records (RFC 1034 §3.6.2)")


def _nodes(text: str) -> Nodes:
    gathering = _Gathering(dns.zonefile.RRSetsReaderManager())
    source = dns.tokenizer.Tokenizer(text, "zone.txt")
    dns.zonefile.Reader(source, dns.rdataclass.IN, gathering, default_ttl=_DEFAULT_TTL).read()
    return gathering.nodes

"""Asking the DNS where mail goes (RFC 5321 §5.1). A failed look-up is a value, never an exception."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.mail.hosts import Failure, MxRecord

if TYPE_CHECKING:
    import dns.resolver
    from dns.rdata import Rdata

_REMEMBERED = 10_000
"""Answers kept for as long as their TTL says: a batch to one domain asks once."""


class Resolver:
    """Asks `nameservers`, or those of the system where there are none given. For any number of threads."""

    def __init__(self, nameservers: Sequence[tuple[str, int]] = (), *, timeout: float = 6.0) -> None:
        """`timeout` is for a whole look-up, in which a silent server is asked up to three times."""
        self._nameservers = tuple(nameservers)
        self._timeout = timeout

    def mx(self, domain: str) -> tuple[MxRecord, ...] | Failure:
        """In no particular order; empty where the name exists without MX records."""
        from dns.rdtypes.ANY.MX import MX

        found = self._ask(domain, "MX")
        if isinstance(found, Failure):
            return found
        return tuple(
            MxRecord(preference=record.preference, host=record.exchange.to_text(omit_final_dot=True).lower())
            for record in found
            if isinstance(record, MX)
        )

    def addresses(self, host: str, *, ipv6: bool = False) -> tuple[str, ...] | Failure:
        """IPv4 first, IPv6 only where asked for; one kind that is found makes up for the other's failure."""
        answers = [self._ask(host, rdtype) for rdtype in (("A", "AAAA") if ipv6 else ("A",))]
        found = tuple(record.to_text() for answer in answers if not isinstance(answer, Failure) for record in answer)
        failures = [answer for answer in answers if isinstance(answer, Failure)]
        return failures[0] if failures and not found else found

    def _ask(self, name: str, rdtype: str) -> "Sequence[Rdata] | Failure":
        import dns.exception
        import dns.name
        import dns.resolver

        try:
            absolute = dns.name.from_text(name)
        except dns.exception.DNSException:
            return Failure.NO_SUCH_NAME
        try:
            return list(self._stub.resolve(absolute, rdtype, raise_on_no_answer=False).rrset or ())
        except dns.resolver.NXDOMAIN:
            return Failure.NO_SUCH_NAME
        except dns.exception.DNSException:
            return Failure.TRY_AGAIN

    @cached_property
    def _stub(self) -> "dns.resolver.Resolver":
        """Made at the first question: dnspython takes a tenth of a second to import."""
        import dns.nameserver
        import dns.resolver

        stub = dns.resolver.Resolver(configure=not self._nameservers)
        if self._nameservers:
            stub.nameservers = [dns.nameserver.Do53Nameserver(address, port) for address, port in self._nameservers]
        stub.lifetime, stub.timeout = self._timeout, self._timeout / 3
        stub.cache = dns.resolver.LRUCache(_REMEMBERED)
        return stub

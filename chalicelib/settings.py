"""The settings of this process, read once from the environment; the only reader of it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

DEFAULT_WAITS = tuple(60.0 * minutes for minutes in (1, 5, 15, 30, 60, 120, 240, 480))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Names of what was deployed, and the few numbers that an operator may turn.

    Every field is the environment variable of the same name in capitals. A resource that a function
    does not touch may be unnamed there: each function is given what its policy allows it.
    """

    platform_domain: str
    """`<p>`: the parent of `out.<p>`, `bounces.<p>`, `mx.<p>`, …"""
    accounts_table: str = ""
    domains_table: str = ""
    deliveries_table: str = ""
    idempotency_table: str = ""
    counters_table: str = ""
    outbound_queue_url: str = ""
    retry_queue_url: str = ""
    content_bucket: str = ""
    dkim_kms_key: str = ""
    token_secret: str = ""
    event_bus: str = ""
    bus_events: str = ""
    """What goes to the event bus: nothing when empty, "all", or event types with commas."""
    retry_waits: str = ""
    """Seconds between attempts, with commas, the last repeating; empty for `DEFAULT_WAITS` (outbound/retry.py)."""
    log_retention_days: str = "45"
    """How long a message and its events can be looked up."""
    mx_port: str = "25"
    dns_servers: str = ""
    """`address:port` with commas; empty for the system's resolver."""
    allow_loopback_mx: str = ""
    """"1" in the local stack only: mail exchangers on loopback are spoken to."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        known = {field.name: environ[field.name.upper()] for field in fields(cls) if field.name.upper() in environ}
        if not known.get("platform_domain"):
            raise LookupError("PLATFORM_DOMAIN is not set: it names the domain that this installation runs under")
        return cls(**known)

    @property
    def ehlo_name(self) -> str:
        """What we call ourselves when we speak to other mail servers (RFC 5321 §4.1.1.1)."""
        return f"out.{self.platform_domain}"

    @property
    def own_hosts(self) -> frozenset[str]:
        """Mail exchangers that are ourselves: a route to one of them is a loop."""
        return frozenset(f"{label}.{self.platform_domain}" for label in ("mx", "bounces", "out", "smtp"))

    @property
    def waits(self) -> tuple[float, ...]:
        return tuple(float(wait) for wait in self.retry_waits.split(",")) if self.retry_waits else DEFAULT_WAITS

    @property
    def nameservers(self) -> tuple[tuple[str, int], ...]:
        pairs = (server.rpartition(":") for server in self.dns_servers.split(",") if server)
        return tuple((address, int(port)) for address, _, port in pairs)

    @property
    def published_events(self) -> frozenset[str] | None:
        """The event types that go to the bus; None means every one."""
        return None if self.bus_events == "all" else frozenset(filter(None, self.bus_events.split(",")))

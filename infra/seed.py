"""The first account of a local stack, with a domain that is verified without anybody publishing records."""

import time
from dataclasses import dataclass
from uuid import uuid4

from chalicelib.accounts.api_keys import Environment
from chalicelib.domains.domains import Domain, Type
from chalicelib.wiring import Services

SELECTOR = "postscale"
_VERIFIED = frozenset({"ownership", "spf", "dkim", "dmarc", "return_path"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """Keys in clear, which nobody can read again; `dkim_record` is the TXT value at `postscale._domainkey.<domain>`."""

    account_id: str
    live_key: str
    test_key: str
    domain: str
    dkim_record: str


def seed(services: Services, domain: str = "acme.test") -> Seeded:
    """Make an account, a key for each environment, a DKIM key, and the domain as if it had been verified."""
    now = time.time()
    account = services.accounts.create("Acme (local)", now=now)
    live_key, _ = services.api_keys.create(account.id, Environment.LIVE, now=now)
    test_key, _ = services.api_keys.create(account.id, Environment.TEST, now=now)
    record = services.dkim_keys.create(account.id, domain, SELECTOR)
    services.domains.put(
        Domain(
            account_id=account.id,
            name=domain,
            id=str(uuid4()),
            type=Type.OUTBOUND,
            active=True,
            verified=_VERIFIED,
            selector=SELECTOR,
        )
    )
    return Seeded(account_id=account.id, live_key=live_key, test_key=test_key, domain=domain, dkim_record=record)

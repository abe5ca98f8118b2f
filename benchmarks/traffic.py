"""What is sent in the measurements, and to whom: one 5 KB text at a time, to a mix of recipients.

The mix is what lists of consumers look like: gmail 40 %, outlook 20 %, yahoo 10 %, and the rest at domains that
each have a mail server of their own and are met for the first time. Names end in .test; all servers are
on loopback.
"""

import json
import random
from collections.abc import Mapping
from uuid import uuid4

from infra.local import proxy_event
from infra.local.httpd import Request
from infra.local.proxy_event import Event, Match

OPERATORS: Mapping[str, float] = {"gmail.test": 0.40, "outlook.test": 0.20, "yahoo.test": 0.10}
"""Recipient domains whose mail one operator takes, and their share."""
SINGLES = 4000
"""Domains of their own that the zone knows; beyond these they are met again."""
_BODY_OCTETS = 5 * 1024

_ZONE_HEAD = """\
$TTL 3600
$ORIGIN test.
@  SOA ns.test. hostmaster.test. 1 3600 600 86400 60
   NS ns
ns A 127.0.0.1
"""


def zone() -> str:
    """A master file with the mail exchangers of every recipient."""
    names = [domain.removesuffix(".test") for domain in OPERATORS] + [_single(n) for n in range(SINGLES)]
    return _ZONE_HEAD + "".join(f"{name} MX 10 mx.{name}-mail\nmx.{name}-mail A 127.0.0.1\n" for name in names)


class Recipients:
    """Addresses without end, drawn from the mix; the same ones in every run."""

    def __init__(self, seed: int = 2) -> None:
        self._random = random.Random(seed)  # noqa: S311  (no secret)
        self._number = 0

    def next(self) -> str:
        self._number += 1
        alone = 1 - sum(OPERATORS.values())
        domains = [*OPERATORS, f"{_single(self._number % SINGLES)}.test"]
        (domain,) = self._random.choices(domains, [*OPERATORS.values(), alone])
        return f"recipient-{self._number:06}@{domain}"

    def together(self, count: int) -> list[str]:
        """So many at one domain that nobody has written to before."""
        self._number += count
        domain = f"{_single(self._number % SINGLES)}.test"
        return [f"recipient-{self._number:06}-{n}@{domain}" for n in range(count)]


def submission(to: str, sender_domain: str) -> bytes:
    """A body of `POST /v1/send`."""
    return json.dumps(
        {
            "from": f"Acme Orders <no-reply@{sender_domain}>",
            "to": [to],
            "subject": "Your order 4711 has been shipped and is on its way to you",
            "text_body": _TEXT,
        }
    ).encode()


def event(body: bytes, api_key: str, idempotency_key: str | None = None) -> Event:
    """As API Gateway hands it to the function."""
    headers = {
        "Accept": "*/*",
        "Authorization": f"Bearer {api_key}",
        "Content-Type": "application/json",
        "Host": "api.postscale.test",
        "User-Agent": "postscale-python/1.0",
        "X-Amzn-Trace-Id": f"Root=1-{uuid4().hex[:8]}-{uuid4().hex[:24]}",
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    if idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key
    request = Request(method="POST", target="/v1/send", headers=tuple(headers.items()), body=body, peer="203.0.113.7")
    return proxy_event.event(request, Match(resource="/v1/send", parameters={}))


def _single(number: int) -> str:
    return f"company-{number:04}"


def _prose(octets: int) -> str:
    """Lines of made-up words, which compress about as prose does."""
    chance = random.Random(1)  # noqa: S311  (no secret)
    words = ["".join(chance.choices("etaoinshrdlucmfwypvbgk", k=chance.randint(2, 10))) for _ in range(600)]
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    lines: list[str] = []
    while sum(map(len, lines)) < octets:
        lines.append(" ".join(chance.choices(words, weights, k=11)) + "\n")
    return "".join(lines)[:octets]


_TEXT = _prose(_BODY_OCTETS)

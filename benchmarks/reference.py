"""What cannot be done without: the same calls by bare boto3, and the same octets by smtplib.

The calls are caught once while our code makes them and repeated as they are, through the same clients.
"""

import itertools
import smtplib
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore import xform_name

from benchmarks import prices
from benchmarks.lambdas import Event
from chalicelib.aws import records
from chalicelib.outbound import queue
from chalicelib.wiring import services


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A call by boto3's names."""

    service: str
    operation: str
    params: dict[str, Any]

    def again(self) -> None:
        getattr(services().clients(self.service), self.operation)(**self.params)


def caught(work: Callable[[], object]) -> list[Asked]:
    """The calls that a piece of work makes."""
    found: list[Asked] = []
    lock = threading.Lock()

    def catch(params: dict[str, Any], model: Any, **_: Any) -> None:
        with lock:
            service = model.service_model.service_name
            found.append(Asked(service=service, operation=xform_name(model.name), params=dict(params)))

    emitters = [services().clients(service).meta.events for service in prices.SERVICE_WAITS]
    for emitter in emitters:
        emitter.register("before-parameter-build", catch)
    work()
    for emitter in emitters:
        emitter.unregister("before-parameter-build", catch)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """As it goes over the wire."""

    mail_from: str
    rcpt_to: str
    content: bytes

    @property
    def domain(self) -> str:
        return self.rcpt_to.rpartition("@")[2]


def letters(event: Event) -> list[Letter]:
    """What the jobs of a batch come to, those of one domain together."""
    jobs = [queue.decode(received.body) for received in records.received(event)]
    made = []
    for job in jobs:
        prepared = services().signer.prepare(job, services().outbox.message(job))
        assert prepared
        envelope, content = prepared
        made.append(Letter(mail_from=envelope.mail_from, rcpt_to=envelope.rcpt_to, content=content))
    return sorted(made, key=lambda letter: letter.domain)


def send(batch: Sequence[Letter], port: int) -> None:
    """By smtplib, a connection for each domain, with STARTTLS as we use it: encrypted for whoever answers."""
    for _, group in itertools.groupby(batch, key=lambda letter: letter.domain):
        with smtplib.SMTP("127.0.0.1", port, local_hostname="out.postscale.test") as connection:
            connection.starttls(context=_TLS)
            for letter in group:
                connection.sendmail(letter.mail_from, letter.rcpt_to, letter.content)


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


_TLS = _unverified()

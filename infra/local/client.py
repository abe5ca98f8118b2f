"""A client of a running local stack, as its users see it: the API, the inbox, the DNS.

What it needs to know it reads from the stack's stack.json. `own` starts a stack for itself.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import dkim
from dns.resolver import Resolver

from infra.local import orphan, plan
from infra.local.plan import HOST, PROJECT, CannotStart, Plan

Event = dict[str, Any]

_READY_WITHIN = 60.0
_STOPPED_WITHIN = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    id: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    api_url: str
    api_key: str
    inbox_url: str
    dns_port: int
    sender_domain: str

    @classmethod
    def read(cls, told: Path) -> "Stack":
        values = json.loads(told.read_text())
        return cls(**{name: values[name] for name in cls.__slots__})

    @property
    def sender(self) -> str:
        return f"no-reply@{self.sender_domain}"

    def send(self, recipient: str, *, subject: str, text: str) -> Email:
        body = {"from": self.sender, "to": [recipient], "subject": subject, "text_body": text}
        answer = json.loads(self._api("POST", "/v1/send", json.dumps(body).encode()))
        return Email(id=answer["id"], status=answer["status"])

    def events(self, email: Email) -> list[Event]:
        events: list[Event] = json.loads(self._api("GET", f"/v1/emails/{email.id}/events"))["events"]
        return events

    def received(self, recipient: str) -> tuple[dict[str, Any], bytes]:
        """The newest mail that the inbox has for this recipient: its line in the list, and its octets."""
        listed = json.loads(_ask("GET", f"{self.inbox_url}/messages", {}))
        kept = next(line for line in listed if recipient in line["rcpt_to"])
        return kept, _ask("GET", f"{self.inbox_url}/messages/{kept['id']}", {})

    def verifies(self, raw: bytes) -> bool:
        """Whether the mail's DKIM signature holds, with the key that the stack's DNS publishes."""
        resolver = Resolver(configure=False)
        resolver.nameservers, resolver.port = [HOST], self.dns_port

        def text(name: bytes, timeout: float = 5) -> bytes:
            return b"".join(resolver.resolve(name.decode(), "TXT", lifetime=timeout)[0].strings)

        return bool(dkim.verify(raw, dnsfunc=text))

    def _api(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        return _ask(method, self.api_url + path, headers, body)


def find(told: Path) -> Stack | None:
    """The stack that wrote this file, if it still answers."""
    try:
        stack = Stack.read(told)
        _ask("GET", f"{stack.inbox_url}/messages", {})
    except (OSError, ValueError, KeyError):
        return None
    return stack


@contextmanager
def own(*arguments: str, settings: Mapping[str, str], patience: Callable[[], None]) -> Iterator[Stack]:
    """A stack of our own, with nothing in it before and nothing left of it afterwards.

    `patience` is asked while the stack gets ready, and raises when nobody waits for it any longer.
    """
    with (
        tempfile.TemporaryDirectory(prefix="postscale-stack-") as folder,
        started(Path(folder), *arguments, settings={**settings, "TMPDIR": folder}, patience=patience) as stack,
    ):
        yield stack


@contextmanager
def started(
    state: Path,
    *arguments: str,
    settings: Mapping[str, str] = MappingProxyType({}),
    patience: Callable[[], None] = lambda: None,
) -> Iterator[Stack]:
    """A stack in a process of its own, told to stop at the end of the block; on free ports without a PORT_BASE.

    `settings` are what `make run` reads from the environment, such as RETRY_WAITS.
    """
    log = state / "stack.log"
    base = settings.get("PORT_BASE") or str(plan.free_base())
    environment = {**os.environ, **settings, "STATE_DIR": str(state), "PORT_BASE": base}
    planned = plan.read(environment)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "infra.local", *arguments],
            cwd=PROJECT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us; it is told to stop
        )
    try:
        for _ in _while_it_gets_ready(process, planned.told):
            patience()
        if not planned.told.exists():
            raise CannotStart(_reason(log, "the stack did not get ready"))
        yield Stack.read(planned.told)
    finally:
        code = _stop(process, planned)
    if code:
        raise CannotStart(_reason(log, f"the stack ended with {code}"))


def _while_it_gets_ready(process: subprocess.Popen[bytes], told: Path) -> Iterator[None]:
    deadline = time.monotonic() + _READY_WITHIN
    while not told.exists() and process.poll() is None and time.monotonic() < deadline:
        yield
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes], planned: Plan) -> int:
    """Wholly: a stack that does not end is killed, and its MiniStack is ended for it."""
    process.terminate()
    try:
        return process.wait(_STOPPED_WITHIN)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        orphan.end(planned.aws_pid)
        return process.wait()


def _reason(log: Path, otherwise: str) -> str:
    """The stack's own line, where it said one."""
    text = log.read_text().strip()
    last = text.rpartition("\n")[2]
    return last.removeprefix("error: ") if last.startswith("error: ") else f"{otherwise}:\n{text[-2000:]}"


def _ask(method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> bytes:
    """http.client, because urllib would ask the proxy that the environment names."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or HOST, address.port, timeout=30)
    try:
        connection.request(method, address.path, body, headers)
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status >= 400:
        raise OSError(f"{method} {address.path} answered {response.status}: {content.decode('utf-8', 'replace')[:300]}")
    return content

"""The local stack, from MiniStack up to the API: everything in this process, and all of it on loopback.

Started from the bottom up and stopped from the top down: first no more requests, then the workers finish
what they have, then the servers, and MiniStack last, which then writes down its state.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local import background, gateway, httpd, inbox, ministack, orphan, receivers, sender, workers, zone
from infra.local import dns as nameserver
from infra.local.mailbox import Mailbox
from infra.local.plan import HOST, CannotStart, Plan, check
from infra.local.receivers import Receiver
from infra.seed import Seeded

PLATFORM = "postscale.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """`environment` is what lets another process of ours see the same AWS and the same names."""

    plan: Plan
    seeded: Seeded
    environment: Mapping[str, str]

    def told(self) -> dict[str, Any]:
        """The content of stack.json. The SMTP edge is not part of the stack yet, so it has no ports."""
        return {
            "api_url": self.plan.api_url,
            "api_key": self.seeded.live_key,
            "test_api_key": self.seeded.test_key,
            "smtp": {},
            "exchanger_port": None,
            "dns_port": self.plan.ports.dns,
            "zone_file": str(self.plan.zone_file),
            "inbox_url": self.plan.inbox_url,
            "sender_domain": self.seeded.domain,
            "environment": dict(self.environment),
        }


@contextmanager
def running(plan: Plan) -> Iterator[Running]:
    """A stack that is ready, for as long as the block lasts; `CannotStart` when something is in its way."""
    with ExitStack() as held:
        held.enter_context(_only_one(plan.state))
        plan.told.unlink(missing_ok=True)  # of a stack that was killed, and so is the MiniStack that it left
        orphan.end(plan.aws_pid)
        check(plan)
        environment = held.enter_context(_aws(plan))
        _become(environment)
        seeded = _seeded(plan)
        _internet(held, plan)
        _service(held, plan)
        stack = Running(plan=plan, seeded=seeded, environment=environment)
        held.enter_context(_announced(plan.told, stack.told()))
        yield stack


@contextmanager
def _aws(plan: Plan) -> Iterator[dict[str, str]]:
    try:
        with (
            ministack.running(plan.ports.aws, plan.state / "aws") as aws,
            orphan.remembered(plan.aws_pid, aws.process.pid),
        ):
            settings = ministack.create_resources(plan.template, aws.endpoint, _parameters(plan))
            yield settings | ministack.environment(aws.endpoint)
    except ministack.NotStarted as failure:
        raise CannotStart(str(failure)) from None


def _parameters(plan: Plan) -> dict[str, str]:
    own = {
        "PlatformDomain": PLATFORM,
        "MxPort": str(plan.ports.receivers),
        "DnsServers": f"{HOST}:{plan.ports.dns}",
        "AllowLoopbackMx": "1",
        "ContentRetentionDays": "7",
    }
    return own | dict(plan.parameters)


def _become(environment: Mapping[str, str]) -> None:
    """From here on this process talks to MiniStack, and to no AWS that its user may be logged in to."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(environment)


def _seeded(plan: Plan) -> Seeded:
    from chalicelib.wiring import services

    seeded = sender.ensure(services(), plan.state)
    publisher = zone.Sender(domain=seeded.domain, dkim=seeded.dkim_record)
    written = plan.zone_file.read_text() if plan.zone_file.exists() else None
    if written is not None and not zone.publishes(written, publisher):
        plan.zone_file.replace(plan.zone_file.with_suffix(".old"))  # it belongs to a state that was lost
        written = None
    if written is None:
        plan.zone_file.write_text(zone.text(PLATFORM, publisher))
    return seeded


def _internet(held: ExitStack, plan: Plan) -> None:
    """DNS, the receiving servers and the page that shows what they have received."""
    mailbox = Mailbox(plan.state / "mail")
    held.enter_context(background.held(nameserver.serving(plan.zone_file, plan.ports.dns)))
    receiver = Receiver(mailbox=mailbox)
    held.enter_context(background.held(receivers.serving(receiver, plan.state, plan.ports.receivers)))
    held.enter_context(httpd.serving(inbox.responder(mailbox), plan.ports.inbox))


def _service(held: ExitStack, plan: Plan) -> None:
    """Our own functions. Imported only now: what app.py is made of reads the environment."""
    from app import app

    held.enter_context(workers.running(json.loads(plan.template.read_text()), plan.state))
    held.enter_context(httpd.serving(gateway.responder(app), plan.ports.api))


@contextmanager
def _announced(path: Path, told: Mapping[str, Any]) -> Iterator[None]:
    """The file is there, whole, exactly while the stack is; it holds keys, so only its owner may read it."""
    draft = path.with_suffix(".new")
    with open(draft, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        json.dump(told, file, indent=2)
    draft.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _only_one(state: Path) -> Iterator[None]:
    """Two stacks on one state folder would overwrite each other's."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(state / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"a stack is running on {state}: stop it, or give this one its own STATE_DIR") from None
        yield

"""`make demo`: two messages through the local stack, one delivered and one bounced, with their journeys as timelines.

It uses the stack that is running, or starts one of its own on other ports with a state that is thrown away.
What it prints it has seen from outside: the API's answers, the receiver's octets, the DNS. Ctrl-C ends it at
any time, and its own stack with it.
"""

import argparse
import os
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from infra.local.interrupts import Interrupts
from infra.local.plan import CannotStart

if TYPE_CHECKING:
    from infra.local.client import Email, Event, Stack

_PATIENCE = 30.0
"""Seconds until a journey has to have come to its end."""
_ENDS = frozenset({"delivered", "bounced", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """`end` is the event that it ends with where all is well."""

    title: str
    recipient: str
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """`stays` says whether the stack is still there when all has been shown."""

    stack: "Stack"
    stays: bool


def main() -> int:
    interrupts = Interrupts()
    interrupts.watch()
    parser = argparse.ArgumentParser(prog="python -m infra.local.demo", description="Two messages and their journeys.")
    parser.add_argument("--template", help="for a stack of its own (default: dist/local/sam.json)")
    asked = parser.parse_args()
    try:
        well = _show(interrupts, ("--template", asked.template) if asked.template else ())
    except KeyboardInterrupt:
        well = False
    except (CannotStart, OSError) as reason:
        print(f"error: {reason}", file=sys.stderr)
        well = False
    return interrupts.exit_code or (0 if well else 1)


def _show(interrupts: Interrupts, arguments: Sequence[str]) -> bool:
    with _scene(interrupts, arguments) as scene, interrupts.at_once():
        well = [_travel(scene, journey) for journey in _journeys()]
    if not scene.stays:
        print("\nThat stack is stopped again; `make run` starts one that stays.")
    return all(well)


def _journeys() -> Sequence[Journey]:
    somebody = f"demo-{secrets.token_hex(3)}@inbox.test"
    return (
        Journey(title="A message to somebody who is there", recipient=somebody, end="delivered"),
        Journey(title="A message to a mailbox that does not exist", recipient="bounce@simulator.test", end="bounced"),
    )


@contextmanager
def _scene(interrupts: Interrupts, arguments: Sequence[str]) -> Iterator[Scene]:
    with interrupts.at_once():
        from infra.local import client, plan

        found = client.find(plan.read(os.environ).told)
    if found:
        print(f"Using the stack at {found.api_url}")
        yield Scene(stack=found, stays=True)
        return
    print("No stack is running here: starting one for this demonstration", flush=True)
    place = {name: os.environ[name] for name in ("PORT_BASE",) if name in os.environ}
    with client.own(*arguments, settings=place, patience=interrupts.check) as started:
        yield Scene(stack=started, stays=False)


def _travel(scene: Scene, journey: Journey) -> bool:
    stack = scene.stack
    print(f"\n{journey.title}\n{'─' * len(journey.title)}")
    begun = time.monotonic()
    email = stack.send(journey.recipient, subject="Your receipt", text="Thanks for your order.")
    took = (time.monotonic() - begun) * 1000
    print(f"  POST /v1/send → 202 {email.status} in {took:.0f} ms\n  id {email.id}, from {stack.sender}\n")
    events = _until_the_end(stack, email)
    for event in events:
        print(_line(event, events[0]))
    end = str(events[-1]["event_type"])
    if end != journey.end:
        print(f"  … and should have ended with {journey.end!r} within {_PATIENCE:.0f} s")
    elif end == "delivered":
        return _show_arrived(scene, journey.recipient)
    return end == journey.end


def _until_the_end(stack: "Stack", email: "Email") -> "list[Event]":
    deadline = time.monotonic() + _PATIENCE
    events = stack.events(email)
    while events[-1]["event_type"] not in _ENDS and time.monotonic() < deadline:
        time.sleep(0.05)
        events = stack.events(email)
    return events


def _line(event: "Event", first: "Event") -> str:
    after = (_moment(event) - _moment(first)).total_seconds()
    line = f"  {event['timestamp'][11:23]}  {after:+7.3f} s  {event['event_type']:<10}"
    if not event.get("attempt"):
        return f"{line}  durable in table and queue"
    where = f"{event['mx_host'] or 'nobody'} ({event['tls'] or 'in clear'})"
    return f"{line}  attempt {event['attempt']}: {where} at {event['stage'].upper()}\n{'':38}“{event['reply']}”"


def _moment(event: "Event") -> datetime:
    return datetime.fromisoformat(event["timestamp"])


def _show_arrived(scene: Scene, recipient: str) -> bool:
    """What the receiver has: envelope, and whether the signature over its very octets holds."""
    kept, raw = scene.stack.received(recipient)
    signed = scene.stack.verifies(raw)
    link = f"{scene.stack.inbox_url}/view/{kept['id']}"
    print(f"\n  In the inbox  {link if scene.stays else 'for a moment only: `make run` keeps one to look at'}")
    print(f"  MAIL FROM     {kept['mail_from']}")
    print(f"  Subject       {kept['subject']}, {len(raw)} octets, {'over TLS' if kept['tls'] else 'in clear'}")
    print(f"  DKIM          {'verified by dkimpy against the zone' if signed else 'DOES NOT VERIFY'}")
    return signed


if __name__ == "__main__":
    sys.exit(main())

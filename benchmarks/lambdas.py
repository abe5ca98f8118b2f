"""The functions of app.py, called as Lambda calls them, and what a call takes of this process.

The runtime reads the event from JSON and writes the answer as JSON in billed time, so that is in it too.
"""

import contextlib
import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import app
from infra.local.invocation import Context

Event = Mapping[str, Any]
Handler = Callable[[Event, Context], Any]

_TIMEOUT = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Seconds: `cpu` of all threads of this process, `wall` from begin to end; `log` is what was printed."""

    cpu: float
    wall: float
    log: str

    @property
    def waits(self) -> float:
        return self.wall - self.cpu


def accept(event: Event) -> Run:
    run, answer = _call("APIHandler", app.app, event)
    if answer["statusCode"] != 202:
        raise RuntimeError(f"the message was not accepted: {answer}")
    return run


def deliver(event: Event) -> Run:
    return _work("deliver", app.deliver, event)


def publish(event: Event) -> Run:
    return _work("publish_events", app.publish_events, event)


def _work(name: str, handler: Handler, event: Event) -> Run:
    run, answer = _call(name, handler, event)
    if answer != {"batchItemFailures": []}:
        raise RuntimeError(f"{name} did not do all of its work: {answer}\n{run.log}")
    return run


def _call(name: str, handler: Handler, event: Event) -> tuple[Run, Any]:
    text = json.dumps(event)
    context = Context(function_name=name, timeout=_TIMEOUT)
    with contextlib.redirect_stdout(io.StringIO()) as log:
        cpu, wall = time.process_time(), time.perf_counter()
        answer = json.dumps(handler(json.loads(text), context))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Run(cpu=cpu, wall=wall, log=log.getvalue()), json.loads(answer)

"""What the first invocation of a function takes in a new process: interpreter, imports, clients, and the work itself.

`measure()` runs this module again and again, each time in a process of its own, at the AWS that the environment names.
The reference does the same calls with bare boto3: nobody who calls AWS from Python starts faster.
"""

import base64
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_TIMES = 3
_MODULE = "benchmarks.cold"
_OCTETS = "octets in base64"
"""JSON has none of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Seconds, medians: `cpu` of the whole process, `wall` from starting it to its end."""

    cpu: float
    wall: float


def measure(function: str, events: Sequence[Mapping[str, Any]]) -> Start:
    """`function` of benchmarks.lambdas; each event is for a process of its own."""
    return _median([_run("function", {"function": function, "event": event}) for event in events])


def bare(calls: Sequence[Mapping[str, Any]], times: int = _TIMES) -> Start:
    """Calls as `{"service", "operation", "asked"}`, by boto3's names."""
    return _median([_run("calls", {"calls": calls}) for _ in range(times)])


def _median(starts: Sequence[Start]) -> Start:
    return Start(
        cpu=statistics.median(start.cpu for start in starts), wall=statistics.median(start.wall for start in starts)
    )


def _run(what: str, told: Mapping[str, Any]) -> Start:
    begun = time.perf_counter()
    done = subprocess.run(  # noqa: S603  (this module)
        [sys.executable, "-m", _MODULE, what],
        input=json.dumps(told, default=_wrapped),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Start(cpu=float(done.stdout), wall=time.perf_counter() - begun)


def _first_invocation(told: Mapping[str, Any]) -> None:
    from benchmarks import lambdas

    getattr(lambdas, told["function"])(told["event"])


def _bare_calls(told: Mapping[str, Any]) -> None:
    from boto3.session import Session

    session: Any = Session()
    for call in told["calls"]:
        getattr(session.client(call["service"]), call["operation"])(**call["asked"])


def _wrapped(octets: bytes) -> dict[str, str]:
    return {_OCTETS: base64.b64encode(octets).decode()}


def _unwrapped(told: dict[str, Any]) -> Any:
    return base64.b64decode(told[_OCTETS]) if _OCTETS in told else told


def main() -> None:
    works = {"function": _first_invocation, "calls": _bare_calls}
    works[sys.argv[1]](json.load(sys.stdin, object_hook=_unwrapped))
    print(time.process_time())


if __name__ == "__main__":
    main()

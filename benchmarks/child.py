"""A process of its own for what answers in a measurement, so that its work is not counted as ours.

The child tells as its first line where it listens, and as its second, when it is asked to end, what it has
seen. It ends when its standard input does, so that it never outlives whoever started it.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_PATIENCE = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """`told` is what it said when it was ready."""

    process: subprocess.Popen[str]
    told: Mapping[str, Any]

    def end(self) -> Mapping[str, Any]:
        """What it has seen."""
        output, _ = self.process.communicate(timeout=_PATIENCE)
        seen: Mapping[str, Any] = json.loads(output or "{}")
        return seen


@contextmanager
def running(module: str, *arguments: str) -> Iterator[Child]:
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(  # noqa: S603  (our own modules)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield Child(process=process, told=json.loads(process.stdout.readline()))
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """In peace if it can be: what it keeps in temporary folders it removes itself."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()


def tell(facts: Mapping[str, Any]) -> None:
    """The child's side, here and below."""
    print(json.dumps(facts), flush=True)


async def until_asked_to_end(told: Mapping[str, Any]) -> None:
    tell(told)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

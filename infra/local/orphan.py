"""A MiniStack whose stack was killed: it goes on running, holds the port, and has not yet written down its state.

The stack leaves its process id in the state folder. The next stack on that folder, which has made sure that
it is the only one, asks it to end first, and then finds everything that it held.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from infra.local.plan import CannotStart

_ENDED_WITHIN = 20.0


@contextmanager
def remembered(path: Path, pid: int) -> Iterator[None]:
    path.write_text(str(pid))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def end(path: Path) -> None:
    """Nothing to do where the last stack ended as it should."""
    with suppress(FileNotFoundError, ValueError):
        pid = int(path.read_text())
        if _is_ministack(pid):
            os.kill(pid, signal.SIGTERM)
            _await_end(pid)
        path.unlink()


def _await_end(pid: int) -> None:
    deadline = time.monotonic() + _ENDED_WITHIN
    while _is_ministack(pid):
        if time.monotonic() > deadline:
            raise CannotStart(f"the MiniStack of a stack that was killed does not end: look at process {pid}")
        time.sleep(0.05)


def _is_ministack(pid: int) -> bool:
    """Another process may have the number by now."""
    asked = ["ps", "-o", "command=", "-p", str(pid)]
    return "-m ministack" in subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603

"""MiniStack, the AWS of the local stack: started, filled from the packaged template, stopped.

It runs in a virtual environment of its own (.venv-ministack), because it needs another botocore than we do,
and listens on loopback only. With a state folder, what it holds is written there when it is stopped by
`stop` (SIGTERM) and is there again at the next start; a kill loses what came since.
"""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import stack, template

PROJECT = Path(__file__).parents[2]
HOST = "127.0.0.1"

_REGION = "us-east-1"
_ANYBODY = "test"

_INTERPRETER = PROJECT / ".venv-ministack" / "bin" / "python"
_READY_WITHIN = 30.0
_STOPPED_WITHIN = 20.0


class NotStarted(Exception):
    """MiniStack did not come up; the message is the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MiniStack:
    process: subprocess.Popen[bytes]
    endpoint: str
    log: Path

    def stop(self) -> None:
        """Let it write down what it holds and end, its functions with it."""
        self.process.terminate()
        try:
            self.process.wait(_STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextlib.contextmanager
def running(port: int = 0, state: Path | None = None, *, enforce_policies: bool = False) -> Iterator[MiniStack]:
    """A MiniStack for as long as the block lasts; port 0 takes any that is free.

    `enforce_policies` makes it judge every call by the caller's IAM role, as AWS does.
    """
    with tempfile.TemporaryDirectory(prefix="postscale-ministack-") as scratch:
        started = _start(_reserve(port), Path(scratch), state, enforce_policies=enforce_policies)
        try:
            _await_ready(started)
            yield started
        finally:
            started.stop()


def client(service: str, endpoint: str) -> Any:
    """A boto3 client of a MiniStack, whatever proxies the environment names."""
    from boto3.session import Session
    from botocore.config import Config

    # Bound to the types of no service: which one it is, only the caller knows.
    make: Any = Session(aws_access_key_id=_ANYBODY, aws_secret_access_key=_ANYBODY, region_name=_REGION).client
    return make(service, endpoint_url=endpoint, config=Config(proxies={}))


def environment(endpoint: str) -> dict[str, str]:
    """What boto3 reads, so that a process talks to this MiniStack and to nothing else."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": _REGION,
        "AWS_ACCESS_KEY_ID": _ANYBODY,
        "AWS_SECRET_ACCESS_KEY": _ANYBODY,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": HOST,
    }


def create_resources(template_path: Path, endpoint: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Make what holds data in the packaged template, or bring it up to date; returns the settings of the functions.

    The functions themselves are left out: in the local stack they run in its own process.
    """
    packaged = template.data_only(json.loads(template_path.read_text()))
    return stack.settings(stack.apply(client("cloudformation", endpoint), "postscale", packaged, parameters))


def _start(port: int, scratch: Path, state: Path | None, *, enforce_policies: bool) -> MiniStack:
    if not _INTERPRETER.exists():
        raise NotStarted(f"{_INTERPRETER} is missing: `make .venv-ministack` makes it")
    log = (state or scratch) / "ministack.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # Nothing else of our own environment: the functions inherit it, and STATE_DIR means something else here.
    settings = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",
        "AUTH": str(enforce_policies).lower(),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  (our own interpreter, arguments from this file)
            [_INTERPRETER, "-m", "ministack"],
            env=settings | (_persistence(state) if state else {}),
            cwd=scratch,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us; we stop it when our own work has ended
        )
    return MiniStack(process=process, endpoint=f"http://{HOST}:{port}", log=log)


def _persistence(state: Path) -> dict[str, str]:
    objects = state / "s3"
    return {"PERSIST_STATE": "1", "STATE_DIR": str(state), "S3_PERSIST": "1", "S3_DATA_DIR": str(objects)}


def _await_ready(started: MiniStack) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while started.process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException):
            _look(started.endpoint.removeprefix("http://"))
            return
        time.sleep(0.05)
    raise NotStarted(f"MiniStack did not start:\n{started.log.read_text()[-2000:]}")


def _look(address: str) -> None:
    connection = http.client.HTTPConnection(address, timeout=1)
    try:
        connection.request("GET", "/_ministack/health")
        connection.getresponse().read()
    finally:
        connection.close()


def _reserve(port: int) -> int:
    """Somebody else on the port would be taken for ours: it answers as ours would."""
    try:
        with socket.create_server((HOST, port)) as probe:
            reserved: int = probe.getsockname()[1]
            return reserved
    except OSError as taken:
        raise NotStarted(f"{HOST}:{port} is already in use") from taken

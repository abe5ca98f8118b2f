"""The local stack as `make run` starts it: in a process of its own, seen from outside."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local import client, ministack
from infra.local.client import Email, Event, Stack
from infra.local.plan import PROJECT

pytestmark = pytest.mark.journeys


def last(stack: Stack, email: Email, kind: str, seconds: float = 20) -> Event:
    """The newest event, once it is of this kind."""
    assert until(lambda: stack.events(email)[-1]["event_type"] == kind, seconds), stack.events(email)
    return stack.events(email)[-1]


def until(holds: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_mail_goes_its_ways_and_what_is_under_way_survives_a_restart(tmp_path: Path, local_package: Path) -> None:
    arguments = ("--template", str(local_package / "sam.json"))
    with client.started(tmp_path, *arguments, settings={"RETRY_WAITS": "5"}) as stack:
        first_key = stack.api_key
        sent = stack.send("ann@inbox.test", subject="Hello", text="Grüße")
        assert last(stack, sent, "delivered")["mx_host"] == "mx.inbox.test"
        assert_arrived_signed(stack, "ann@inbox.test")
        bounced = stack.send("bounce@simulator.test", subject="Hello", text="x")
        assert last(stack, bounced, "bounced")["enhanced_code"] == "5.1.1"
        assert_counted(tmp_path)
        under_way = stack.send("greylist@simulator.test", subject="Later", text="x")
        assert last(stack, under_way, "deferred")["smtp_code"] == 450
        assert [mode(tmp_path / name) for name in ("stack.json", "keys.json")] == [0o600, 0o600]
        assert_refused(tmp_path, "a stack is running on")
    assert not (tmp_path / "stack.json").exists()

    with client.started(tmp_path, *arguments, settings={"RETRY_WAITS": "5"}) as stack:
        assert stack.api_key == first_key
        assert last(stack, sent, "delivered")
        # The simulator begins anew and puts the second try off as well.
        assert last(stack, under_way, "delivered", 40)["attempt"] == 3
        assert_arrived_signed(stack, "greylist@simulator.test")


def assert_arrived_signed(stack: Stack, recipient: str) -> None:
    line, raw = stack.received(recipient)
    assert line["mail_from"].startswith("b-")
    assert line["mail_from"].endswith("@ps-bounces.acme.test")
    assert line["tls"] is True
    assert stack.verifies(raw)
    assert not stack.verifies(raw + b"one more line\r\n")


def assert_counted(state: Path) -> None:
    """The stream has reached its function, and the function the table of counters."""
    environment = json.loads((state / "stack.json").read_text())["environment"]
    dynamodb = ministack.client("dynamodb", environment["AWS_ENDPOINT_URL"])
    assert until(lambda: dynamodb.scan(TableName=environment["COUNTERS_TABLE"])["Count"] > 0)


def assert_refused(state: Path, reason: str) -> None:
    """A stack that cannot start says why in one line and leaves the other one alone."""
    refused = subprocess.run(
        [sys.executable, "-m", "infra.local"],
        cwd=PROJECT,
        env={"STATE_DIR": str(state), "PORT_BASE": "32100"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: {reason}")
    assert refused.stderr.count("\n") == 1
    assert (state / "stack.json").exists()

"""`make demo` as it is started: in a process of its own, seen from outside, and interrupted at any moment."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local import plan
from infra.local.plan import PROJECT

pytestmark = pytest.mark.journeys


class Place:
    """Where a demonstration has its temporary files and its ports, and nothing else has any."""

    def __init__(self, folder: Path, template: Path) -> None:
        self._template = template
        self._temporary = folder / "tmp"
        self._temporary.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(self._temporary),
            "STATE_DIR": str(folder / "state"),
            "PORT_BASE": str(plan.free_base()),
        }

    @contextmanager
    def demo(self) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "infra.local.demo", "--template", str(self._template)]
        pipe = subprocess.PIPE
        with subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, cwd=PROJECT, env=self.environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def assert_nothing_is_left(self) -> None:
        assert list(self._temporary.iterdir()) == []
        plan.check(plan.Plan(state=self._temporary, ports=plan.read(self.environment).ports, template=self._template))


@pytest.fixture
def place(tmp_path: Path, local_package: Path) -> Place:
    return Place(tmp_path, local_package / "sam.json")


def test_a_stack_of_its_own_is_on_the_ports_that_were_asked_for_and_promises_no_inbox(place: Place) -> None:
    with place.demo() as process:
        assert process.stdout is not None
        begun = next(line for line in process.stdout if "POST /v1/send" in line)
        socket.create_connection(("127.0.0.1", plan.read(place.environment).ports.api)).close()
        shown, complaints = process.communicate(timeout=120)
    assert "202" in begun
    assert (process.returncode, complaints) == (0, "")
    assert "verified by dkimpy" in shown
    assert "http://127.0.0.1" not in shown
    place.assert_nothing_is_left()


@pytest.mark.parametrize(
    ("after", "pause"),
    [
        ("No stack is running", 0.0),
        ("No stack is running", 1.5),
        ("POST /v1/send", 0.0),
        ("does not exist", 0.1),
    ],
)
def test_ctrl_c_ends_it_quietly_and_wholly_however_often_it_is_pressed(place: Place, after: str, pause: float) -> None:
    with place.demo() as process:
        assert process.stdout is not None
        next(line for line in process.stdout if after in line)
        time.sleep(pause)
        for _ in range(3):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.3)
        _, complaints = process.communicate(timeout=120)
    assert (process.returncode, complaints) == (130, "")
    place.assert_nothing_is_left()


def test_ctrl_c_while_its_stack_stops_does_not_keep_it_from_stopping(place: Place) -> None:
    with place.demo() as process:
        assert process.stdout is not None
        next(line for line in process.stdout if " bounced " in line)
        time.sleep(0.5)
        for _ in range(3):
            os.killpg(process.pid, signal.SIGINT)
        _, complaints = process.communicate(timeout=120)
    assert (process.returncode, complaints) == (130, "")
    place.assert_nothing_is_left()


def test_a_port_that_is_taken_is_told_in_one_line(place: Place) -> None:
    dns = plan.read(place.environment).ports.dns
    with socket.create_server(("127.0.0.1", dns)), place.demo() as process:
        _, complaints = process.communicate(timeout=60)
    assert process.returncode == 1
    assert complaints.startswith(f"error: port {dns} (dns) cannot be taken")
    assert complaints.count("\n") == 1


def test_a_base_that_is_none_is_told_in_one_line(place: Place) -> None:
    place.environment["PORT_BASE"] = "x"
    with place.demo() as process:
        _, complaints = process.communicate(timeout=60)
    assert process.returncode == 1
    assert complaints.startswith("error: PORT_BASE is a number")
    assert complaints.count("\n") == 1

"""What a stack that was killed leaves behind is ended, and nothing else."""

import os
from pathlib import Path

import pytest

from infra.local import ministack, orphan

pytestmark = pytest.mark.journeys


def test_the_ministack_of_a_killed_stack_is_ended(tmp_path: Path) -> None:
    with ministack.running() as left:
        (tmp_path / "aws.pid").write_text(str(left.process.pid))
        orphan.end(tmp_path / "aws.pid")
        assert left.process.wait(5) is not None
    assert not (tmp_path / "aws.pid").exists()


def test_a_process_that_has_the_number_by_now_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "aws.pid").write_text(str(os.getpid()))
    orphan.end(tmp_path / "aws.pid")
    assert not (tmp_path / "aws.pid").exists()


@pytest.mark.parametrize("content", ["", "x", "999999999"])
def test_a_file_that_says_nothing_of_use_is_no_hindrance(tmp_path: Path, content: str) -> None:
    (tmp_path / "aws.pid").write_text(content)
    orphan.end(tmp_path / "aws.pid")


def test_an_ordinary_end_leaves_nothing_to_do(tmp_path: Path) -> None:
    with orphan.remembered(tmp_path / "aws.pid", 1):
        assert (tmp_path / "aws.pid").read_text() == "1"
    orphan.end(tmp_path / "aws.pid")
    assert not list(tmp_path.iterdir())

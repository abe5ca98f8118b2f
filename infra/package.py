"""What goes to AWS, in one folder: `python -m infra.package --stage prod --out dist/prod`.

    dist/prod/sam.json         Chalice's template with infra/resources.yaml and infra/functions.yaml merged over it
    dist/prod/deployment.zip   app.py, chalicelib/ and requirements.txt for the architecture of the stage

Stage `prod` is for Lambda on arm64. Stage `local` is the same for the architecture of this machine, so that
the zip runs in MiniStack without a container. Needs no credentials and calls no AWS service.
"""

import argparse
import contextlib
import fcntl
import json
import os
import platform
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from infra import template

PROJECT = Path(__file__).parent.parent
STAGES = ("prod", "local")

_KEPT_PACKAGES = 4
"""Chalice makes a package per change of the code and never removes one."""
_LAMBDA_NAMES = {"aarch64": "arm64", "amd64": "x86_64"}


def build(stage: str, folder: Path) -> Path:
    """Fill `folder` with the template and the zip of a stage; returns the template. 5 s, 0.7 if nothing changed."""
    with tempfile.TemporaryDirectory() as scratch, _alone() as packages:
        overlay = Path(scratch) / "overlay.json"
        overlay.write_text(json.dumps(template.overlay(local=stage == "local")))
        _chalice_package(_chalice_stage(stage), overlay, folder)
        if not zipfile.is_zipfile(folder / "deployment.zip"):  # a build that was killed left its half behind
            _keep_newest(packages, 0)
            _chalice_package(_chalice_stage(stage), overlay, folder)
        _keep_newest(packages, _KEPT_PACKAGES)
    return folder / "sam.json"


@contextlib.contextmanager
def _alone() -> Iterator[Path]:
    """Chalice's own folder of packages, for one build at a time: it takes any file there for a finished package."""
    packages = PROJECT / ".chalice" / "deployments"
    packages.mkdir(parents=True, exist_ok=True)
    with (packages / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield packages


def _chalice_stage(stage: str) -> str:
    """The stage in .chalice/config.json, where one stage has one architecture."""
    machine = platform.machine().lower()
    return f"local-{_LAMBDA_NAMES.get(machine, machine)}" if stage == "local" else stage


def _chalice_package(stage: str, overlay: Path, folder: Path) -> None:
    program = Path(sys.executable).with_name("chalice")
    command: list[str | Path] = [program, "package", "--stage", stage, "--merge-template", overlay, folder.resolve()]
    # The region only decides how Chalice spells service principals; the template itself names none.
    environment = os.environ | {"AWS_DEFAULT_REGION": "us-east-1", "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(  # noqa: S603  (a program of our own environment, arguments from this file)
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"chalice package failed:\n{done.stdout}{done.stderr}")


def _keep_newest(packages: Path, count: int) -> None:
    newest_first = sorted(packages.glob("*.zip"), key=lambda package: package.stat().st_mtime, reverse=True)
    for package in newest_first[count:]:
        package.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.package", description="Package functions and template.")
    parser.add_argument("--stage", choices=STAGES, default="prod")
    parser.add_argument("--out", type=Path, help="folder to fill (default: dist/<stage>)")
    asked = parser.parse_args()
    made = build(asked.stage, asked.out or PROJECT / "dist" / asked.stage)
    zipped = made.with_name("deployment.zip").stat().st_size
    print(f"{made}\n{made.with_name('deployment.zip')}  {zipped / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

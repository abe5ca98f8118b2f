"""The operator's commands, on moto."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chalicelib.errors import PostscaleError, Unauthenticated
from chalicelib.settings import Settings
from chalicelib.wiring import Services
from infra import admin

pytestmark = pytest.mark.steps


@pytest.fixture
def told(aws: Mapping[str, str], tmp_path: Path) -> Iterator[Path]:
    """What `make run` writes when it is ready."""
    before = dict(os.environ)
    os.environ["STATE_DIR"] = str(tmp_path)
    path = tmp_path / "stack.json"
    path.write_text(json.dumps({"environment": dict(aws)}))
    yield path
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def services(aws: Mapping[str, str]) -> Services:
    return Services(Settings.from_environment(aws))


def run(*words: str) -> Result:
    return CliRunner().invoke(admin.main, list(words))


def test_an_account_and_its_keys_are_made_listed_and_revoked(told: Path, services: Services) -> None:
    account = run("accounts", "create", "Acme").output.strip()
    live = run("keys", "create", account).output.strip()
    test = run("keys", "create", account, "--test").output.strip()
    assert services.api_keys.principal(live).account_id == account
    assert services.api_keys.principal(test).environment == "test"
    listed = run("keys", "list", account).output
    assert live not in listed
    assert f"ps_live_…{live[-4:]}" in listed
    key_id = next(line.split()[0] for line in listed.splitlines() if live[-4:] in line)
    assert "revoked" in run("keys", "revoke", account, key_id).output
    with pytest.raises(Unauthenticated):
        Services(Settings.from_environment(os.environ)).api_keys.principal(live)


def test_a_mistake_is_answered_in_one_line(told: Path) -> None:
    answer = run("keys", "create", "aaaaaaaa")
    assert isinstance(answer.exception, PostscaleError)
    assert "there is no account aaaaaaaa" in str(answer.exception)


def test_without_a_stack_the_operator_is_told_what_to_do(told: Path) -> None:
    told.unlink()
    answer = run("accounts", "create", "Acme")
    assert answer.exit_code == 1
    assert "make run" in answer.output

"""The operator's commands, on moto."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from chalicelib.errors import Unauthenticated
from chalicelib.settings import Settings
from chalicelib.wiring import Services
from infra import admin
from tests import memory

pytestmark = pytest.mark.steps

FOREIGN = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})


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


@pytest.fixture
def operator(told: Path, capsys: pytest.CaptureFixture[str]) -> "Operator":
    return Operator(capsys)


class Operator:
    def __init__(self, printed: pytest.CaptureFixture[str]) -> None:
        self._printed = printed

    def asks(self, *words: str) -> str:
        assert admin.run(words) == 0
        return self._printed.readouterr().out.strip()

    def is_refused(self, *words: str) -> str:
        """What is said instead: one line, whatever it was."""
        assert admin.run(words) in (1, 2)
        out, err = self._printed.readouterr()
        assert out == ""
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        return err


def test_an_account_and_its_keys_are_made_listed_and_revoked(operator: Operator, services: Services) -> None:
    account = operator.asks("accounts", "create", "Acme")
    live = operator.asks("keys", "create", account)
    test = operator.asks("keys", "create", account, "--test")
    assert services.api_keys.principal(live).account_id == account
    assert services.api_keys.principal(test).environment == "test"
    listed = operator.asks("keys", "list", account)
    assert live not in listed
    assert f"ps_live_…{live[-4:]}" in listed
    key_id = next(line.split()[0] for line in listed.splitlines() if live[-4:] in line)
    assert "revoked" in operator.asks("keys", "revoke", account, key_id)
    with pytest.raises(Unauthenticated):
        Services(Settings.from_environment(os.environ)).api_keys.principal(live)


def test_accounts_are_listed_with_id_state_and_name(operator: Operator) -> None:
    made = {operator.asks("accounts", "create", name): name for name in ("Acme", "Grüße & Co")}
    lines = operator.asks("accounts", "list").splitlines()
    assert {line.split()[0]: line.rpartition("  ")[2] for line in lines} == made
    assert all("  active " in line and "  made 2" in line for line in lines)


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "two\nlines", "\x1b[31m"])
def test_a_name_that_nobody_could_read_is_refused(operator: Operator, name: str) -> None:
    assert "1 to 200 characters" in operator.is_refused("accounts", "create", name)
    assert operator.asks("accounts", "list") == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("keys", "create", "aaaaaaaa"), "there is no account aaaaaaaa"),
        (("keys", "list", "aaaaaaaa"), "there is no account aaaaaaaa"),
        (("keys", "create"), "Missing argument"),
        (("accounts", "remove"), "No such command"),
        (("--stac", "x", "accounts", "list"), "No such option"),
        (("--stack", "", "accounts", "list"), "--stack is empty"),
        (("--stack", "absent", "accounts", "list"), "stack 'absent': Stack with id absent does not exist"),
    ],
)
def test_a_mistake_is_answered_in_one_line(operator: Operator, words: tuple[str, ...], said: str) -> None:
    assert said in operator.is_refused(*words)


def test_without_a_region_the_operator_is_told_so(operator: Operator) -> None:
    del os.environ["AWS_DEFAULT_REGION"]
    assert "region" in operator.is_refused("--stack", "mail", "accounts", "list")


def test_a_stack_of_something_else_is_told_from_ours(operator: Operator) -> None:
    memory.client("cloudformation").create_stack(StackName="other", TemplateBody=FOREIGN)
    assert "no installation of Postscale" in operator.is_refused("--stack", "other", "accounts", "list")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"AWS_ENDPOINT_URL": "nonsense"}, "Invalid endpoint"),
        ({"AWS_PROFILE": "absent"}, "profile"),
    ],
)
def test_a_stack_that_cannot_be_asked_is_told_in_one_line(
    operator: Operator, environment: dict[str, str], said: str
) -> None:
    os.environ.update(environment)
    assert said in operator.is_refused("--stack", "mail", "accounts", "list")


@pytest.mark.sockets
def test_a_stack_that_does_not_answer_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    before = dict(os.environ)
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    os.environ.update(credentials | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"})
    try:
        Operator(capsys).is_refused("--stack", "mail", "accounts", "list")
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_without_a_stack_the_operator_is_told_what_to_do(operator: Operator, told: Path) -> None:
    told.unlink()
    assert "make run" in operator.is_refused("accounts", "create", "Acme")


@pytest.mark.parametrize("words", [("--help",), ("accounts", "create", "--help")])
def test_help_needs_no_stack(operator: Operator, told: Path, words: tuple[str, ...]) -> None:
    told.unlink()
    assert "Usage: python -m infra.admin" in operator.asks(*words)

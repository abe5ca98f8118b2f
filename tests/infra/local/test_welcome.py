"""What a person is told when the stack is ready."""

import json
from pathlib import Path

from infra.local import welcome
from infra.local.plan import Plan, Ports
from infra.local.stack import Running
from infra.seed import Seeded

SEEDED = Seeded(
    account_id="abcdefgh", live_key="ps_live_1", test_key="ps_test_1", domain="acme.test", dkim_record="v=DKIM1; p=x"
)


def text() -> str:
    return welcome.text(Running(plan=Plan(state=Path("/state"), ports=Ports()), seeded=SEEDED, environment={}))


def test_everything_that_a_first_try_needs_is_there() -> None:
    needed = ("http://127.0.0.1:8000", "http://127.0.0.1:8025", "ps_live_1", "ps_test_1", "/state/zone.txt")
    assert [part for part in needed if part not in text()] == []


def test_the_account_is_named_with_the_command_that_makes_keys() -> None:
    assert "infra.admin keys create abcdefgh" in text()


def test_it_says_that_the_last_wait_repeats() -> None:
    assert "the last of which repeats" in " ".join(text().split())


def test_the_body_of_the_example_is_json() -> None:
    example = text().partition("-d '")[2].partition("'")[0]
    assert json.loads(example)["from"] == "no-reply@acme.test"

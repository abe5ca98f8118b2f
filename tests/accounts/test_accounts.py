import time

import pytest

from chalicelib.accounts.accounts import State
from chalicelib.accounts.api_keys import Environment
from chalicelib.settings import Settings
from chalicelib.wiring import Services

pytestmark = pytest.mark.steps


@pytest.fixture
def services(aws: dict[str, str]) -> Services:
    return Services(Settings.from_environment(aws))


def test_every_account_is_listed_as_it_was_made(services: Services) -> None:
    assert services.accounts.list() == []
    made = [services.accounts.create(name, now=time.time()) for name in ("Acme", "Grüße GmbH", "Acme")]
    assert services.accounts.list() == sorted(made, key=lambda account: account.id)


def test_the_list_tells_the_state_of_the_account_itself(services: Services) -> None:
    account = services.accounts.create("Acme", now=1)
    key = (f"account#{account.id}", "account")
    services.accounts.table.update(key, "SET #state = :state", {"state": "suspended"})
    assert [listed.state for listed in services.accounts.list()] == [State.SUSPENDED]


def test_keys_are_no_accounts(services: Services) -> None:
    account = services.accounts.create("Acme", now=1)
    services.api_keys.create(account.id, Environment.LIVE, now=1)
    assert services.accounts.list() == [account]

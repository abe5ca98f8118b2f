import time

import pytest

from chalicelib.accounts.api_keys import Environment
from chalicelib.errors import Forbidden, NotFound, Unauthenticated
from chalicelib.settings import Settings
from chalicelib.wiring import Services

pytestmark = pytest.mark.steps


@pytest.fixture
def services(aws: dict[str, str]) -> Services:
    return Services(Settings.from_environment(aws))


@pytest.fixture
def account_id(services: Services) -> str:
    return services.accounts.create("Acme", now=time.time()).id


def test_a_key_says_who_is_asking(services: Services, account_id: str) -> None:
    live, made = services.api_keys.create(account_id, Environment.LIVE, now=1)
    test, _ = services.api_keys.create(account_id, Environment.TEST, now=1)
    assert live.startswith("ps_live_")
    assert test.startswith("ps_test_")
    principal = services.api_keys.principal(live)
    assert (principal.account_id, principal.key_id, principal.environment) == (account_id, made.id, "live")
    assert services.api_keys.principal(test).environment == "test"


@pytest.mark.parametrize("text", ["", "ps_live_", "ps_live_0000", "x" * 5000, "ps_live_\ud800", "ключ"])
def test_what_is_no_key_is_refused_like_a_wrong_key(services: Services, text: str) -> None:
    with pytest.raises(Unauthenticated):
        services.api_keys.principal(text)


def test_a_revoked_key_is_refused_within_two_seconds(services: Services, account_id: str) -> None:
    clear, key = services.api_keys.create(account_id, Environment.LIVE, now=1)
    services.api_keys.principal(clear)
    services.api_keys.revoke(account_id, key.id, now=2)
    time.sleep(2.1)
    with pytest.raises(Unauthenticated):
        services.api_keys.principal(clear)


def test_revoking_twice_keeps_the_first_moment(services: Services, account_id: str) -> None:
    _, key = services.api_keys.create(account_id, Environment.LIVE, now=1)
    services.api_keys.revoke(account_id, key.id, now=2)
    assert services.api_keys.revoke(account_id, key.id, now=3).revoked_at == 2
    assert [listed.revoked_at for listed in services.api_keys.list(account_id)] == [2]


def test_a_key_of_another_account_cannot_be_revoked(services: Services, account_id: str) -> None:
    other = services.accounts.create("Other", now=1).id
    _, key = services.api_keys.create(account_id, Environment.LIVE, now=1)
    with pytest.raises(NotFound):
        services.api_keys.revoke(other, key.id, now=2)


def test_no_key_for_an_account_that_is_not_there(services: Services) -> None:
    with pytest.raises(NotFound):
        services.api_keys.create("aaaaaaaa", Environment.LIVE, now=1)


def test_a_suspended_account_is_told_so(services: Services, account_id: str) -> None:
    clear, _ = services.api_keys.create(account_id, Environment.LIVE, now=1)
    key = (f"account#{account_id}", "account")
    services.accounts.table.update(key, "SET #state = :state", {"state": "suspended"})
    with pytest.raises(Forbidden) as refused:
        services.api_keys.principal(clear)
    assert refused.value.code == "account_suspended"


def test_no_key_stands_in_clear_in_the_table(services: Services, account_id: str, aws: dict[str, str]) -> None:
    clear, _ = services.api_keys.create(account_id, Environment.LIVE, now=1)
    everything = services.clients("dynamodb").scan(TableName=aws["ACCOUNTS_TABLE"])["Items"]
    assert clear not in str(everything)
    assert clear.removeprefix("ps_live_")[:20] not in str(everything)

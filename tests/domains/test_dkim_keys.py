import pytest

from chalicelib.errors import ConditionFailed, NotFound, Unavailable
from chalicelib.settings import Settings
from chalicelib.wiring import Services

pytestmark = pytest.mark.steps


@pytest.fixture
def services(aws: dict[str, str]) -> Services:
    return Services(Settings.from_environment(aws))


def test_a_key_signs_for_its_domain_and_tells_what_to_publish(services: Services) -> None:
    record = services.dkim_keys.create("abcdefgh", "acme.test", "postscale")
    assert record.startswith("v=DKIM1; k=rsa; p=MII")
    assert services.dkim_keys.published("abcdefgh", "acme.test", "postscale") == record
    key = services.dkim_keys.signing("abcdefgh", "acme.test", "postscale")
    assert (key.domain, key.selector) == ("acme.test", "postscale")


def test_a_loaded_key_is_used_again(services: Services) -> None:
    services.dkim_keys.create("abcdefgh", "acme.test", "postscale")
    first = services.dkim_keys.signing("abcdefgh", "acme.test", "postscale")
    assert services.dkim_keys.signing("abcdefgh", "acme.test", "postscale") is first


def test_a_key_is_never_replaced_by_making_it_again(services: Services) -> None:
    services.dkim_keys.create("abcdefgh", "acme.test", "postscale")
    with pytest.raises(ConditionFailed):
        services.dkim_keys.create("abcdefgh", "acme.test", "postscale")


def test_no_private_key_stands_in_clear_in_the_table(services: Services, aws: dict[str, str]) -> None:
    services.dkim_keys.create("abcdefgh", "acme.test", "postscale")
    key = services.dkim_keys.signing("abcdefgh", "acme.test", "postscale")
    (item,) = services.clients("dynamodb").scan(TableName=aws["DOMAINS_TABLE"])["Items"]
    assert key.private_key.private_numbers().d.to_bytes(256) not in item["private"]["B"]
    assert b"PRIVATE KEY" not in item["private"]["B"]


def test_a_ciphertext_moved_to_another_domain_does_not_open(services: Services) -> None:
    services.dkim_keys.create("abcdefgh", "acme.test", "postscale")
    item = services.domains.table.get(("account#abcdefgh", "dkim#acme.test#postscale"))
    assert item
    services.domains.table.put(item | {"sk": "dkim#other.test#postscale"})
    with pytest.raises(Unavailable):
        services.dkim_keys.signing("abcdefgh", "other.test", "postscale")


def test_a_key_that_is_not_there_is_said_to_be_missing(services: Services) -> None:
    with pytest.raises(NotFound):
        services.dkim_keys.signing("abcdefgh", "acme.test", "postscale")

"""Objects, keys, secrets, the bus (moto)."""

import pytest
from botocore.stub import Stubber

from chalicelib.aws.bus import Bus
from chalicelib.aws.clients import Clients
from chalicelib.aws.keys import Vault, secret
from chalicelib.aws.objects import Bucket
from chalicelib.errors import Unavailable

pytestmark = pytest.mark.steps


def test_an_object_comes_back_as_it_was(aws: dict[str, str]) -> None:
    bucket = Bucket(Clients(), aws["CONTENT_BUCKET"])
    bucket.put("content/20251121/x", b"\x00\xff")
    assert bucket.get("content/20251121/x") == b"\x00\xff"


def test_an_object_that_is_not_there_is_not_an_empty_one(aws: dict[str, str]) -> None:
    with pytest.raises(Unavailable):
        Bucket(Clients(), aws["CONTENT_BUCKET"]).get("content/20251121/missing")


def test_what_is_encrypted_opens_only_in_its_own_context(aws: dict[str, str]) -> None:
    vault = Vault(Clients(), aws["DKIM_KMS_KEY"])
    sealed = vault.encrypt(b"private", {"domain": "acme.test"})
    assert b"private" not in sealed
    assert vault.decrypt(sealed, {"domain": "acme.test"}) == b"private"
    with pytest.raises(Unavailable):
        vault.decrypt(sealed, {"domain": "other.test"})


def test_a_secret_is_read(aws: dict[str, str]) -> None:
    assert '"current"' in secret(Clients(), aws["TOKEN_SECRET"])


def test_an_event_that_the_bus_refuses_is_a_failure(aws: dict[str, str]) -> None:
    clients = Clients()
    with Stubber(clients("events")) as stub:
        stub.add_response("put_events", {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]})
        with pytest.raises(Unavailable):
            Bus(clients, "bus").put([("email.delivered", {})])

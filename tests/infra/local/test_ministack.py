"""What the local stack stands on: kept from run to run, brought up to date, honest about what went wrong."""

from pathlib import Path

import pytest

from infra import stack
from infra.local import ministack

pytestmark = pytest.mark.journeys

PARAMETERS = {"PlatformDomain": "postscale.test"}
BROKEN = {"Resources": {"Broken": {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "no", "TargetKeyId": "no"}}}}


def test_what_it_holds_is_there_again_and_a_changed_setting_is_taken_over(local_package: Path, tmp_path: Path) -> None:
    template = local_package / "sam.json"
    with ministack.running(state=tmp_path) as first:
        before = ministack.create_resources(template, first.endpoint, PARAMETERS)
        table = ministack.client("dynamodb", first.endpoint)
        table.put_item(TableName=before["ACCOUNTS_TABLE"], Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    with ministack.running(state=tmp_path) as second:
        after = ministack.create_resources(template, second.endpoint, PARAMETERS | {"RetryWaits": "1,2"})
        assert after == before | {"RETRY_WAITS": "1,2"}
        table = ministack.client("dynamodb", second.endpoint)
        assert table.scan(TableName=after["ACCOUNTS_TABLE"])["Count"] == 1


def test_without_a_state_folder_nothing_is_kept_and_nothing_is_left(tmp_path: Path) -> None:
    with ministack.running() as started:
        scratch = started.log.parent
        assert started.log.exists()
    assert not scratch.exists()
    assert started.process.poll() is not None


def test_a_port_that_is_taken_is_told() -> None:
    with ministack.running() as started:
        taken = int(started.endpoint.rpartition(":")[2])
        with pytest.raises(ministack.NotStarted, match="already in use"), ministack.running(taken):
            pass


def test_a_stack_that_cannot_be_made_says_which_resource_and_why() -> None:
    with ministack.running() as started:
        client = ministack.client("cloudformation", started.endpoint)
        with pytest.raises(stack.StackFailed, match="Broken: "):
            stack.apply(client, "broken", BROKEN, {})

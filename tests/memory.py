"""The tables, queues, bucket, key, secret and bus of infra/resources.yaml in moto, and the settings that name them.

One by one, because moto's CloudFormation makes no secrets and loses the name of a bus.
"""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from infra import template

PARAMETERS = {"PlatformDomain": "postscale.test", "AllowLoopbackMx": "1"}
KEYRING = json.dumps({"current": "1", "1": "for-tests-" * 4})

Properties = Mapping[str, Any]


def create() -> dict[str, str]:
    """To be called within moto's `mock_aws`."""
    described = _described()
    values = {name: MAKERS[made["Type"]](name, made["Properties"]) for name, made in described["Resources"].items()}
    outputs = {name: values[str(template.named(output["Value"]))] for name, output in described["Outputs"].items()}
    return template.settings(_parameters() | outputs)


def client(service: str) -> Any:
    """The same one for the whole session: making one costs more than most tests."""
    return _clients(service)


@functools.cache
def _described() -> template.Template:
    return template.data_only(template.overlay(local=True))


@functools.cache
def _clients(service: str) -> Any:
    return _session().client(service)


@functools.cache
def _session() -> Any:
    from boto3.session import Session

    return Session(aws_access_key_id="test", aws_secret_access_key="test")


def _parameters() -> dict[str, str]:
    declared = _described()["Parameters"]
    return {name: str(one["Default"]) for name, one in declared.items() if "Default" in one} | PARAMETERS


def _table(name: str, properties: Properties) -> str:
    asked = {part: properties[part] for part in ("BillingMode", "AttributeDefinitions", "KeySchema")}
    if stream := properties.get("StreamSpecification"):
        asked["StreamSpecification"] = stream | {"StreamEnabled": True}
    client("dynamodb").create_table(TableName=name, **asked)
    return name


def _queue(name: str, properties: Properties) -> str:
    visibility = _parameters()["VisibilityTimeout"]
    url: str = client("sqs").create_queue(QueueName=name, Attributes={"VisibilityTimeout": visibility})["QueueUrl"]
    return url


def _bucket(name: str, properties: Properties) -> str:
    client("s3").create_bucket(Bucket=name.lower())
    return name.lower()


def _key(name: str, properties: Properties) -> str:
    arn: str = client("kms").create_key(Description=name)["KeyMetadata"]["Arn"]
    return arn


def _secret(name: str, properties: Properties) -> str:
    arn: str = client("secretsmanager").create_secret(Name=name, SecretString=KEYRING)["ARN"]
    return arn


def _bus(name: str, properties: Properties) -> str:
    client("events").create_event_bus(Name=name)
    return name


MAKERS: Mapping[str, Callable[[str, Properties], str]] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::Events::EventBus": _bus,
    "AWS::KMS::Key": _key,
    "AWS::S3::Bucket": _bucket,
    "AWS::SQS::Queue": _queue,
    "AWS::SecretsManager::Secret": _secret,
}

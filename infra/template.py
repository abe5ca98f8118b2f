"""The CloudFormation of this project as values: read from YAML, merged, and cut down to what holds data.

resources.yaml is what the functions stand on, functions.yaml what Chalice cannot say about them. Their
Parameters and Outputs have the names of the settings in another spelling: AccountsTable is ACCOUNTS_TABLE.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from chalice.package import YAMLTemplateSerializer

from chalicelib.settings import Settings

Template = dict[str, Any]

FOLDER = Path(__file__).parent
PARTS = ("resources.yaml", "functions.yaml")

HOLDS_DATA = frozenset(
    {
        "AWS::DynamoDB::Table",
        "AWS::Events::EventBus",
        "AWS::KMS::Key",
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
        "AWS::SecretsManager::Secret",
    }
)

_BEFORE_CAPITALS = re.compile(r"(?<!^)(?=[A-Z])")

# AWS matches `exists` on the leaf of a path, MiniStack 1.5.33 on the last name that is there.
_NO_LEASE = '"lease_until":{"N":[{"exists":false}]}'
_NO_LEASE_FOR_MINISTACK = '"lease_until":[{"exists":false}]'


def overlay(*, local: bool) -> Template:
    """Everything that is merged over Chalice's template."""
    merged: Template = {}
    for part in PARTS:
        text = (FOLDER / part).read_text()
        for section, entries in read(text.replace(_NO_LEASE, _NO_LEASE_FOR_MINISTACK) if local else text).items():
            merged[section] = merged.get(section, {}) | entries if isinstance(entries, dict) else entries
    return merged


def read(text: str) -> Template:
    """YAML with CloudFormation's short tags → plain values."""
    loaded: Template = YAMLTemplateSerializer().load_template(text)
    # Through JSON once: what YAML anchors made one object becomes as many as were written.
    copied: Template = json.loads(json.dumps(loaded))
    return copied


def data_only(template: Template) -> Template:
    """The same template (packaged or not) with nothing but tables, queues, bucket, key, secret and bus."""
    kept = {name: resource for name, resource in template["Resources"].items() if resource.get("Type") in HOLDS_DATA}
    outputs = {name: output for name, output in template["Outputs"].items() if named(output["Value"]) in kept}
    aside = {name: template[name] for name in ("AWSTemplateFormatVersion", "Parameters", "Mappings")}
    return aside | {"Resources": kept, "Outputs": outputs}


def named(value: Any) -> str | None:
    """The resource or parameter that a Ref or Fn::GetAtt names, None for anything else."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return name
    return None


def settings(values: Mapping[str, str]) -> dict[str, str]:
    """Outputs and parameters by name → the environment that chalicelib/settings.py reads: OutboundQueueUrl is
    OUTBOUND_QUEUE_URL. Those that are no settings are left out.
    """
    known = {field.name.upper() for field in fields(Settings)}
    spelled = {_BEFORE_CAPITALS.sub("_", name).upper(): value for name, value in values.items()}
    return {name: value for name, value in spelled.items() if name in known}

"""The packaged zip and template, functions and all, in MiniStack: what `make package` made, running.

What AWS does with a template and MiniStack 1.5.33 does not is done here: numbers given as parameters reach
a mapping and a time-out as numbers, `sqs:SendMessage` allows batches too, and the API's gateway answers are
read from its definition. And the bucket's policy stays behind: it refuses everything that comes without TLS.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import stack
from infra.local import ministack
from infra.template import Template, named

_ARTIFACTS = "artifacts"
_MUST_BE_NUMBERS = ("DeliveryConcurrency", "DeliveryTimeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """`api_url` is where the paths of the API begin; `environment` makes a process of ours see the same AWS."""

    endpoint: str
    api_url: str
    environment: Mapping[str, str]
    outputs: Mapping[str, str]


def deploy(folder: Path, endpoint: str, parameters: Mapping[str, str]) -> Deployed:
    """`folder` is what infra.package filled. A stack that stands already is brought up to date."""
    packaged: Template = json.loads((folder / "sam.json").read_text())
    code = _upload(folder / "deployment.zip", endpoint)
    given = {name: parameters.get(name, packaged["Parameters"][name]["Default"]) for name in _MUST_BE_NUMBERS}
    body = _adapted(_with_code(packaged, code), {name: int(value) for name, value in given.items()})
    described = stack.apply(ministack.client("cloudformation", endpoint), "postscale", body, parameters)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    api = outputs["RestAPIId"]
    properties = packaged["Resources"]["RestAPI"]["Properties"]
    _answer_as_defined(ministack.client("apigateway", endpoint), api, properties)
    return Deployed(
        endpoint=endpoint,
        api_url=f"{endpoint}/_aws/execute-api/{api}/{properties['StageName']}",
        environment=stack.settings(described) | ministack.environment(endpoint),
        outputs=outputs,
    )


def _upload(package: Path, endpoint: str) -> dict[str, str]:
    """As `aws cloudformation package` does: by content, so that new code is a change of the template."""
    content = package.read_bytes()
    key = f"{hashlib.sha256(content).hexdigest()}.zip"
    objects = ministack.client("s3", endpoint)
    objects.create_bucket(Bucket=_ARTIFACTS)
    objects.put_object(Bucket=_ARTIFACTS, Key=key, Body=content)
    return {"Bucket": _ARTIFACTS, "Key": key}


def _with_code(packaged: Template, code: Mapping[str, str]) -> Template:
    resources = {
        name: resource | {"Properties": resource["Properties"] | {"CodeUri": dict(code)}}
        if resource["Type"] == "AWS::Serverless::Function"
        else resource
        for name, resource in packaged["Resources"].items()
        if resource["Type"] != "AWS::S3::BucketPolicy"
    }
    return packaged | {"Resources": resources}


def _adapted(value: Any, numbers: Mapping[str, int]) -> Any:
    """The template as MiniStack has to be told it; `numbers` are the values of parameters that must be numbers."""
    if isinstance(value, list):
        return [_adapted(member, numbers) for member in value]
    if not isinstance(value, dict):
        return value
    if (name := named(value)) in numbers:
        return numbers[str(name)]
    if value.get("Action") == "sqs:SendMessage":
        return value | {"Action": ["sqs:SendMessage", "sqs:SendMessageBatch"]}
    return {key: _adapted(member, numbers) for key, member in value.items()}


def _answer_as_defined(gateway: Any, api: str, properties: Mapping[str, Any]) -> None:
    for kind, answer in properties["GatewayResponses"].items():
        headers = answer["ResponseParameters"]["Headers"]
        asked = {
            "responseParameters": {f"gatewayresponse.header.{name}": source for name, source in headers.items()},
            "responseTemplates": answer["ResponseTemplates"],
        }
        status = {"statusCode": str(answer["StatusCode"])} if "StatusCode" in answer else {}
        gateway.put_gateway_response(restApiId=api, responseType=kind, **asked, **status)
    gateway.create_deployment(restApiId=api, stageName=properties["StageName"])

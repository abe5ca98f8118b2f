"""One CloudFormation stack: made if it is not there, brought up to date if it is, and read back as settings.

For MiniStack and moto: the template goes along with the request, where AWS takes 51,200 octets at most.
"""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from infra import template
from infra.template import Template

_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
_PATIENCE = {"Delay": 1, "MaxAttempts": 120}

Description = Mapping[str, Any]


class StackFailed(Exception):
    """The stack could not be made or changed; the message says which resources, and why."""


def apply(client: Any, name: str, body: Template, parameters: Mapping[str, str]) -> Description:
    """Returns what stands afterwards; parameters that are not given have their defaults."""
    asked = {
        "StackName": name,
        "TemplateBody": json.dumps(body),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": _CAPABILITIES,
    }
    if _exists(client, name):
        _update(client, asked)
    else:
        stack = client.create_stack(**asked, OnFailure="DELETE")["StackId"]
        _await(client, stack, "stack_create_complete")
    description: Description = client.describe_stacks(StackName=name)["Stacks"][0]
    return description


def settings(description: Description) -> dict[str, str]:
    """The environment that chalicelib/settings.py reads, from the outputs and the parameters of a stack."""
    values = {entry["OutputKey"]: entry["OutputValue"] for entry in description.get("Outputs", ())}
    return template.settings(
        values | {entry["ParameterKey"]: entry["ParameterValue"] for entry in description.get("Parameters", ())}
    )


def _exists(client: Any, name: str) -> bool:
    try:
        client.describe_stacks(StackName=name)
    except ClientError as refused:
        if "does not exist" in str(refused):
            return False
        raise
    return True


def _update(client: Any, asked: Mapping[str, Any]) -> None:
    try:
        stack = client.update_stack(**asked)["StackId"]
    except ClientError as refused:
        if "No updates are to be performed" in str(refused):
            return
        raise
    _await(client, stack, "stack_update_complete")


def _await(client: Any, stack: str, state: str) -> None:
    try:
        client.get_waiter(state).wait(StackName=stack, WaiterConfig=_PATIENCE)
    except WaiterError as failed:
        events = client.describe_stack_events(StackName=stack)["StackEvents"]
        reasons = [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
            for event in events
            if event["ResourceStatus"].endswith("FAILED")
        ]
        raise StackFailed("; ".join(reasons) or str(failed)) from failed

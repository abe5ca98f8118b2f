"""What goes to AWS, read as a reviewer would read it: the settings that lose mail or open doors are asserted here."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import app
from chalicelib.settings import Settings
from infra import template
from infra.template import Template

pytestmark = pytest.mark.steps

WORKERS = {"Deliver": "app.deliver", "DeliverDeferred": "app.deliver_deferred", "PublishEvents": "app.publish_events"}
WORK = {"OutboundQueue": ("Deliver", "OutboundDeadLetters"), "RetryQueue": ("DeliverDeferred", "RetryDeadLetters")}
DEAD_LETTERS = {"OutboundDeadLetters", "RetryDeadLetters", "PublishDeadLetters"}
FOURTEEN_DAYS = 14 * 24 * 3600


@pytest.fixture(scope="module")
def packaged(prod_package: Path) -> Template:
    return read(prod_package)


def read(folder: Path) -> Template:
    packaged: Template = json.loads((folder / "sam.json").read_text())
    return packaged


def of_type(packaged: Template, kind: str) -> dict[str, Any]:
    return {name: one["Properties"] for name, one in packaged["Resources"].items() if one["Type"] == kind}


def functions(packaged: Template) -> dict[str, Any]:
    return of_type(packaged, "AWS::Serverless::Function")


def source(function: Mapping[str, Any]) -> Any:
    (mapping,) = function["Events"].values()
    return mapping["Properties"]


def environment(packaged: Template, function: str) -> dict[str, Any]:
    shared = packaged["Globals"]["Function"]["Environment"]["Variables"]
    return {**shared, **functions(packaged)[function]["Environment"]["Variables"]}


def statements(packaged: Template, function: str) -> Iterator[tuple[list[str], list[Any]]]:
    """Actions and resources of what a function's role allows."""
    role = template.named(functions(packaged)[function]["Role"])
    for policy in of_type(packaged, "AWS::IAM::Role")[str(role)]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            yield listed(statement["Action"]), listed(statement["Resource"])


def listed(one_or_more: Any) -> list[Any]:
    return one_or_more if isinstance(one_or_more, list) else [one_or_more]


def names(value: Any) -> set[str]:
    """Every resource and parameter that an expression speaks of."""
    if name := template.named(value):
        return {name}
    if isinstance(value, dict) and "Fn::Sub" in value:
        return {found.partition(".")[0] for found in re.findall(r"\$\{([^}]+)\}", str(value["Fn::Sub"]))}
    return set()


def number(packaged: Template, value: Any) -> int:
    """A number, or the default of the parameter that gives it."""
    name = template.named(value)
    return int(packaged["Parameters"][name]["Default"] if name else value)


def alarms(packaged: Template, queue: str) -> list[Any]:
    of_queue = {"Fn::GetAtt": [queue, "QueueName"]}
    every = of_type(packaged, "AWS::CloudWatch::Alarm").values()
    return [alarm for alarm in every if {"Name": "QueueName", "Value": of_queue} in alarm.get("Dimensions", [])]


def test_the_linter_finds_nothing(prod_package: Path) -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    said = subprocess.run(  # noqa: S603  (a program of our own environment)
        [linter, prod_package / "sam.json"], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_every_function_starts_in_app_py(packaged: Template) -> None:
    """A worker that started in chalicelib would never import app.py."""
    handlers = {name: function["Handler"] for name, function in functions(packaged).items()}
    assert handlers == {"APIHandler": "app.app"} | WORKERS
    for handler in WORKERS.values():
        assert callable(getattr(app, handler.removeprefix("app.")))


def test_every_queue_has_a_worker_or_is_for_dead_letters(packaged: Template) -> None:
    read_by = {template.named(source(functions(packaged)[name]).get("Queue")): name for name in WORKERS}
    queues = of_type(packaged, "AWS::SQS::Queue")
    assert set(queues) == set(WORK) | DEAD_LETTERS
    for queue, (worker, dead_letters) in WORK.items():
        assert read_by[queue] == worker
        redrive = queues[queue]["RedrivePolicy"]
        assert redrive == {"deadLetterTargetArn": {"Fn::GetAtt": [dead_letters, "Arn"]}, "maxReceiveCount": 30}


def test_dead_letters_are_kept_for_the_longest_time_and_told_of_at_once(packaged: Template) -> None:
    for queue in DEAD_LETTERS:
        assert of_type(packaged, "AWS::SQS::Queue")[queue]["MessageRetentionPeriod"] == FOURTEEN_DAYS
        (alarm,) = alarms(packaged, queue)
        assert (alarm["MetricName"], alarm["ComparisonOperator"], alarm["Threshold"], alarm["EvaluationPeriods"]) == (
            "ApproximateNumberOfMessagesVisible",
            "GreaterThanThreshold",
            0,
            1,
        )


def test_work_that_waits_too_long_raises_an_alarm(packaged: Template) -> None:
    for queue in WORK:
        (alarm,) = alarms(packaged, queue)
        assert alarm["MetricName"] == "ApproximateAgeOfOldestMessage"
    late = [one for one in of_type(packaged, "AWS::CloudWatch::Alarm").values() if one["MetricName"] == "IteratorAge"]
    assert [one["Dimensions"] for one in late] == [[{"Name": "FunctionName", "Value": {"Ref": "PublishEvents"}}]]


def test_every_source_reports_partial_failures(packaged: Template) -> None:
    """Without it AWS deletes what a worker names as failed."""
    for worker in WORKERS:
        assert source(functions(packaged)[worker])["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_job_is_invisible_for_longer_than_its_function_may_run(packaged: Template) -> None:
    for queue, (worker, _) in WORK.items():
        visibility = number(packaged, of_type(packaged, "AWS::SQS::Queue")[queue]["VisibilityTimeout"])
        assert visibility >= number(packaged, functions(packaged)[worker]["Timeout"]) + 60


def test_delivery_is_bounded_at_the_source_and_never_by_reserved_concurrency(packaged: Template) -> None:
    for function in functions(packaged).values():
        assert "ReservedConcurrentExecutions" not in function
    for worker, _ in WORK.values():
        mapping = source(functions(packaged)[worker])
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "DeliveryConcurrency"}}
        assert (mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]) == (10, 0)


def test_the_stream_is_followed_from_its_beginning_and_nothing_is_dropped_in_silence(packaged: Template) -> None:
    mapping = source(functions(packaged)["PublishEvents"])
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["MaximumRetryAttempts"] == -1
    assert template.named(mapping["DestinationConfig"]["OnFailure"]["Destination"]) == "PublishDeadLetters"
    assert mapping["MaximumRecordAgeInSeconds"] <= 12 * 3600, "the stream itself forgets after a day"


def test_a_lease_that_was_taken_invokes_nobody(packaged: Template) -> None:
    """AWS matches `exists` on the leaf of a path: on `lease_until` itself it would always hold."""
    (criterion,) = source(functions(packaged)["PublishEvents"])["FilterCriteria"]["Filters"]
    image = {"lease_until": {"N": [{"exists": False}]}}
    assert json.loads(criterion["Pattern"]) == {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": image}}


def test_no_function_may_do_anything_with_everything(packaged: Template) -> None:
    for function in functions(packaged):
        for actions, resources in statements(packaged, function):
            assert all(re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action) for action in actions)
            assert all(names(resource) & set(packaged["Resources"]) for resource in resources)


def test_each_function_has_a_role_and_a_log_of_its_own(packaged: Template) -> None:
    logs = of_type(packaged, "AWS::Logs::LogGroup")
    for name, function in functions(packaged).items():
        assert function["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
        assert function["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}Logs"}}
        assert "RetentionInDays" in logs[f"{name}Logs"]
        written = [resources for actions, resources in statements(packaged, name) if "logs:PutLogEvents" in actions]
        assert written == [[{"Fn::GetAtt": [f"{name}Logs", "Arn"]}]]


def test_a_function_is_told_of_nothing_that_its_role_does_not_allow(packaged: Template) -> None:
    held = set(template.data_only(packaged)["Resources"])
    for function in functions(packaged):
        told = {str(template.named(value)) for value in environment(packaged, function).values()} & held
        allowed = {name for _, resources in statements(packaged, function) for one in resources for name in names(one)}
        assert told <= allowed


def test_every_setting_reaches_the_functions_under_the_name_of_its_output_or_parameter(packaged: Template) -> None:
    """So that a stack can be read back as settings."""
    told: dict[str, Any] = {}
    for function in functions(packaged):
        told |= environment(packaged, function)
    outputs = {name: json.dumps(output["Value"]) for name, output in packaged["Outputs"].items()}
    parameters = {name: json.dumps({"Ref": name}) for name in packaged["Parameters"]}
    assert {name: json.dumps(value) for name, value in told.items()} == template.settings(parameters | outputs)
    assert set(told) == {name.upper() for name in Settings.__dataclass_fields__}


def test_tables_have_the_keys_of_the_drawing_and_are_encrypted(packaged: Template) -> None:
    for table in of_type(packaged, "AWS::DynamoDB::Table").values():
        assert {key["AttributeName"]: key["KeyType"] for key in table["KeySchema"]} == {"pk": "HASH", "sk": "RANGE"}
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["SSESpecification"] == {"SSEEnabled": True}


@pytest.mark.parametrize("table", ["AccountsTable", "DomainsTable"])
def test_accounts_and_domains_can_be_restored_to_any_second(packaged: Template, table: str) -> None:
    properties = of_type(packaged, "AWS::DynamoDB::Table")[table]
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_what_cannot_be_made_again_outlives_the_stack(packaged: Template) -> None:
    for name, resource in template.data_only(packaged)["Resources"].items():
        if name not in ("IdempotencyTable", "EventBus"):
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
            assert resource["UpdateReplacePolicy"] == "Retain", name


def test_content_is_private_and_never_travels_in_clear(packaged: Template) -> None:
    bucket = of_type(packaged, "AWS::S3::Bucket")["ContentBucket"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (statement,) = of_type(packaged, "AWS::S3::BucketPolicy")["ContentBucketPolicy"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_content_outlives_the_longest_way_of_its_message(packaged: Template) -> None:
    expiry = packaged["Mappings"]["ContentExpiry"]
    assert set(expiry) == set(packaged["Parameters"]["ContentRetentionDays"]["AllowedValues"])
    assert all(one["Days"] == int(kept) + 4 for kept, one in expiry.items())


def test_the_gateway_refuses_in_our_own_words(packaged: Template) -> None:
    answers = packaged["Resources"]["RestAPI"]["Properties"]["GatewayResponses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "MISSING_AUTHENTICATION_TOKEN", "REQUEST_TOO_LARGE", "THROTTLED"} <= set(
        answers
    )
    for answer in answers.values():
        text = answer["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"why"')
        assert set(json.loads(text)) == {"error", "message"}
        assert answer["ResponseParameters"]["Headers"]["X-Request-ID"] == "context.requestId"


def test_the_zip_carries_the_code_and_what_it_needs_but_not_what_lambda_has(prod_package: Path) -> None:
    held = zipfile.ZipFile(prod_package / "deployment.zip").namelist()
    tops = {name.partition("/")[0] for name in held}
    assert {"app.py", "chalicelib", "chalice", "cryptography", "dns"} <= tops
    assert not {"boto3", "botocore", "pip", "setuptools", "infra", "tests"} & tops
    assert not [name for name in held if "x86_64" in name]


def test_the_local_stage_differs_only_in_processor_and_in_how_ministack_reads_a_filter(
    prod_package: Path, local_package: Path
) -> None:
    assert without_what_may_differ(read(prod_package)) == without_what_may_differ(read(local_package))


def without_what_may_differ(packaged: Template) -> Template:
    for function in functions(packaged).values():
        del function["Architectures"], function["Tags"]
    del source(functions(packaged)["PublishEvents"])["FilterCriteria"]
    return packaged


def test_what_only_a_log_line_tells_raises_an_alarm(packaged: Template) -> None:
    watched: dict[str, set[tuple[str, str]]] = {}
    for watch in of_type(packaged, "AWS::Logs::MetricFilter").values():
        (metric,) = watch["MetricTransformations"]
        watched.setdefault(metric["MetricName"], set()).add((watch["LogGroupName"]["Ref"], watch["FilterPattern"]))
    assert watched == {
        "PutBack": {(logs, '{ $.event = "put_back" }') for logs in ("DeliverLogs", "DeliverDeferredLogs")},
        "Unreadable": {("PublishEventsLogs", '{ $.event = "stream_record_unreadable" }')},
    }
    alarmed = {one["MetricName"] for one in of_type(packaged, "AWS::CloudWatch::Alarm").values()}
    assert set(watched) <= alarmed

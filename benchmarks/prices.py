"""What AWS asks for, in one table, and how long the parts of the world outside let us wait.

us-east-1, arm64, on demand, without any free allowance. Whatever is metered is one of these charges: what
has no price here cannot be counted, and is never free.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum, unique

MONTH_SECONDS = 30 * 24 * 3600


class Unpriced(Exception):
    """Something was used of which nobody knows what it costs."""


@unique
class Charge(StrEnum):
    API_REQUEST = "API Gateway: REST request"
    LAMBDA_REQUEST = "Lambda: invocation"
    LAMBDA_GB_SECOND = "Lambda: GB-second"
    WRITE_UNIT = "DynamoDB: write unit (1 KB)"
    READ_UNIT = "DynamoDB: read unit (4 KB)"
    STORED_GB_MONTH = "DynamoDB: GB-month"
    QUEUE_REQUEST = "SQS: request (64 KB)"
    FAIR_REQUEST = "SQS: request that names a message group, on top"
    OBJECT_WRITE = "S3: PUT"
    OBJECT_READ = "S3: GET"
    KMS_REQUEST = "KMS: request"
    SECRET_REQUEST = "Secrets Manager: request"  # noqa: S105  (the name of a charge)
    BUS_EVENT = "EventBridge: custom event (64 KB)"
    LOG_GB = "CloudWatch Logs: GB taken in"
    TRANSFER_GB = "data to the internet: GB"
    NAT_GB = "NAT gateway: GB processed"
    KMS_KEY_MONTH = "KMS: key, a month"
    SECRET_MONTH = "Secrets Manager: secret, a month"  # noqa: S105  (the name of a charge)
    ALARM_MONTH = "CloudWatch: alarm, a month"

    @property
    def service(self) -> str:
        return self.value.partition(":")[0]


_MILLION = 1_000_000
USD: Mapping[Charge, float] = {
    Charge.API_REQUEST: 3.50 / _MILLION,
    Charge.LAMBDA_REQUEST: 0.20 / _MILLION,
    Charge.LAMBDA_GB_SECOND: 0.0000133334,
    Charge.WRITE_UNIT: 0.625 / _MILLION,
    Charge.READ_UNIT: 0.125 / _MILLION,
    Charge.STORED_GB_MONTH: 0.25,
    Charge.QUEUE_REQUEST: 0.40 / _MILLION,
    Charge.FAIR_REQUEST: 0.10 / _MILLION,
    Charge.OBJECT_WRITE: 5.00 / _MILLION,
    Charge.OBJECT_READ: 0.40 / _MILLION,
    Charge.KMS_REQUEST: 3.00 / _MILLION,
    Charge.SECRET_REQUEST: 5.00 / _MILLION,
    Charge.BUS_EVENT: 1.00 / _MILLION,
    Charge.LOG_GB: 0.50,
    Charge.TRANSFER_GB: 0.09,
    Charge.NAT_GB: 0.045,
    Charge.KMS_KEY_MONTH: 1.00,
    Charge.SECRET_MONTH: 0.40,
    Charge.ALARM_MONTH: 0.10,
}

Usage = Mapping[Charge, float]

SERVICE_WAITS: Mapping[str, float] = {
    "dynamodb": 0.005,
    "sqs": 0.008,
    "s3": 0.025,
    "kms": 0.010,
    "secretsmanager": 0.010,
    "events": 0.010,
}
"""Seconds from asking a service to having its answer, by the name that boto3 gives it."""
ROUND_TRIP = 0.080
"""Seconds to a recipient's mail server and back."""
AFTER_THE_DOT = 0.400
"""Seconds that a mail server thinks about a message that has arrived, beside the round trip of its answer."""
LOOK_UP = 0.020
"""Seconds for a DNS question that the resolver has to ask on."""
FULL_CPU_MB = 1769
"""Lambda gives a function one whole processor at this much memory, and less in proportion (AWS, "Memory")."""


def dollars(usage: Usage) -> float:
    try:
        return sum(USD[charge] * amount for charge, amount in usage.items())
    except KeyError as unknown:
        raise Unpriced(f"{unknown.args[0]} has no price") from None


def scaled(usage: Usage, factor: float) -> Usage:
    return {charge: amount * factor for charge, amount in usage.items()}


def total(usages: Iterable[Usage]) -> Usage:
    sums: defaultdict[Charge, float] = defaultdict(float)
    for usage in usages:
        for charge, amount in usage.items():
            sums[charge] += amount
    return dict(sums)


def run_time(cpu: float, waits: float, memory: int) -> float:
    """Seconds that Lambda bills: a share of a processor takes longer for the same work, waiting does not."""
    return cpu * FULL_CPU_MB / memory + waits


def invocation(seconds: float, memory: int) -> Usage:
    """One invocation that is billed for `seconds`."""
    return {Charge.LAMBDA_REQUEST: 1, Charge.LAMBDA_GB_SECOND: seconds * memory / 1024}

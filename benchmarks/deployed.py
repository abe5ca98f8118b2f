"""What the packaged template says about the functions, so that nothing of it is written here again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local import sources
from infra.local.sources import QueueSource, StreamSource
from infra.template import Template

_SYSTEM_LINES_OCTETS = 450
"""START, END and REPORT as text, where they are written at all: about 100, 60 and 210 octets, and 26 for each line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """`window` in seconds; `system_log_octets` what Lambda itself logs of an invocation; `queues` have pollers."""

    accept_memory: int
    deliver: QueueSource
    publish: StreamSource
    window: float
    system_log_octets: int
    log_days: int
    queues: int
    alarms: int


def read(packaged: Template, settings: Mapping[str, str]) -> Deployed:
    queues, streams = sources.read(packaged, settings)
    resources: Mapping[str, Any] = packaged["Resources"]
    (publish,) = streams
    return Deployed(
        accept_memory=int(resources["APIHandler"]["Properties"]["MemorySize"]),
        deliver=next(queue for queue in queues if queue.url == settings["OUTBOUND_QUEUE_URL"]),
        publish=publish,
        window=_window(resources[publish.function.name]),
        system_log_octets=0 if _is_quiet(packaged["Globals"]["Function"]) else _SYSTEM_LINES_OCTETS,
        log_days=int(settings["LOG_RETENTION_DAYS"]),
        queues=len(queues),
        alarms=sum(resource["Type"] == "AWS::CloudWatch::Alarm" for resource in resources.values()),
    )


def _window(function: Mapping[str, Any]) -> float:
    (event,) = function["Properties"]["Events"].values()
    return float(event["Properties"]["MaximumBatchingWindowInSeconds"])


def _is_quiet(function: Mapping[str, Any]) -> bool:
    """START, END and REPORT are of level INFO (AWS, "Log-level filtering"), which only JSON logs can leave out."""
    logging = function.get("LoggingConfig", {})
    return bool(logging.get("LogFormat") == "JSON" and logging.get("SystemLogLevel") == "WARN")

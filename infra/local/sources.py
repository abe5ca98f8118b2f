"""Which function reads from which queue or stream, as the packaged template says it.

Batch sizes, time-outs, filters and concurrency are written once, in the template; here they are read. Where
a queue or table is, the environment says under the name that the template's outputs have as settings.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra import template
from infra.local import filters
from infra.local.filters import Pattern
from infra.template import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """`handler` as module.name; `timeout` in seconds."""

    name: str
    handler: str
    timeout: float
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSource:
    """`partial` tells that the function reports which messages failed; otherwise a return is success for all."""

    function: Function
    url: str
    batch_size: int
    concurrency: int
    partial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSource:
    """`patterns`: a record goes to the function when one of them fits, or when there are none."""

    function: Function
    table: str
    batch_size: int
    patterns: tuple[Pattern, ...]
    partial: bool


_DEFAULT_CONCURRENCY = 5


def read(packaged: Template, environment: Mapping[str, str]) -> tuple[list[QueueSource], list[StreamSource]]:
    """Every source of every function; KeyError names the setting that the environment lacks."""
    reader = _Reader(packaged, environment)
    mappings = list(reader.mappings())
    queues = [reader.queue(function, told) for function, kind, told in mappings if kind == "SQS"]
    streams = [reader.stream(function, told) for function, kind, told in mappings if kind == "DynamoDB"]
    return queues, streams


class _Reader:
    def __init__(self, packaged: Template, environment: Mapping[str, str]) -> None:
        self._packaged = packaged
        self._environment = environment
        names = {name: str(output["Value"].get("Ref")) for name, output in packaged["Outputs"].items()}
        self._settings = {resource: setting for setting, resource in template.settings(names).items()}

    def mappings(self) -> Iterator[tuple[Function, str, Mapping[str, Any]]]:
        for name, resource in self._packaged["Resources"].items():
            if resource["Type"] == "AWS::Serverless::Function":
                properties = resource["Properties"]
                for event in properties.get("Events", {}).values():
                    yield self._function(name, properties), event["Type"], event["Properties"]

    def queue(self, function: Function, told: Mapping[str, Any]) -> QueueSource:
        scaling = told.get("ScalingConfig", {})
        return QueueSource(
            function=function,
            url=self._where(told["Queue"]),
            batch_size=self._number(told["BatchSize"]),
            concurrency=self._number(scaling.get("MaximumConcurrency", _DEFAULT_CONCURRENCY)),
            partial=_is_partial(told),
        )

    def stream(self, function: Function, told: Mapping[str, Any]) -> StreamSource:
        criteria = told.get("FilterCriteria", {}).get("Filters", ())
        return StreamSource(
            function=function,
            table=self._where(told["Stream"]),
            batch_size=self._number(told["BatchSize"]),
            patterns=tuple(filters.read(each["Pattern"]) for each in criteria),
            partial=_is_partial(told),
        )

    def _function(self, name: str, properties: Mapping[str, Any]) -> Function:
        return Function(
            name=name,
            handler=properties["Handler"],
            timeout=self._number(properties["Timeout"]),
            memory=self._number(properties["MemorySize"]),
        )

    def _where(self, reference: Any) -> str:
        return self._environment[self._settings[str(template.named(reference))]]

    def _number(self, value: Any) -> int:
        """A number as it stands, or the default of the parameter that it refers to."""
        name = template.named(value)
        return int(self._packaged["Parameters"][name]["Default"] if name else value)


def _is_partial(told: Mapping[str, Any]) -> bool:
    return "ReportBatchItemFailures" in told.get("FunctionResponseTypes", ())

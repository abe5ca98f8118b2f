"""What Lambda hands to a worker, as values, and how the worker names what is to come again.

The answer is AWS's partial batch response. It only counts where the mapping has ReportBatchItemFailures
set, which `infra/` sees to: without it, what failed would be deleted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.aws.tables import Item, unmarshal


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One SQS message; `times` counts how often it has been received, this time included."""

    id: str
    body: str
    receipt: str
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One record of a table's stream, its images in DynamoDB's typed JSON until they are asked for."""

    sequence: str
    images: Mapping[str, Any]

    @property
    def old(self) -> Item | None:
        """None where the item is new."""
        return self._image("OldImage")

    @property
    def new(self) -> Item | None:
        """None where the item is gone."""
        return self._image("NewImage")

    def _image(self, name: str) -> Item | None:
        return unmarshal(self.images[name]) if name in self.images else None


def received(event: Mapping[str, Any]) -> list[Received]:
    return [
        Received(
            id=record["messageId"],
            body=record["body"],
            receipt=record["receiptHandle"],
            times=int(record["attributes"]["ApproximateReceiveCount"]),
        )
        for record in event["Records"]
    ]


def changes(event: Mapping[str, Any]) -> list[Change]:
    told = (record["dynamodb"] for record in event["Records"])
    return [Change(sequence=one["SequenceNumber"], images=one) for one in told]


def again(identifiers: Iterable[str | None]) -> dict[str, Any]:
    """The answer that brings these messages, or the stream from this sequence number, once more."""
    return {"batchItemFailures": [{"itemIdentifier": one} for one in identifiers if one]}

"""SQS: messages out in full batches, with what was refused sent again; visibility of what is to come back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.aws.clients import Clients, translated
from chalicelib.errors import Unavailable

_COUNT = 10
_OCTETS = 1_048_576
"""A request takes ten messages and one MiB in all."""
_TRIES = 3
Message = tuple[str, str, int]
"""Body; group (for fair queues: one group's backlog does not hold up another's); delay in seconds."""


@dataclass(frozen=True, slots=True)
class Queue:
    clients: Clients
    url: str

    def send(self, messages: Sequence[Message]) -> None:
        """Returns when the service holds them all; otherwise raises `Unavailable`, and some may be held."""
        for batch in _batches(messages):
            self._send_batch(batch)

    def show_again_in(self, receipt: str, seconds: int) -> None:
        """Let a received message come back after this long instead of after the queue's own time."""
        with translated("sqs"):
            self.clients("sqs").change_message_visibility(
                QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=seconds
            )

    def _send_batch(self, batch: Sequence[Message]) -> None:
        entries = [_entry(number, message) for number, message in enumerate(batch)]
        for _ in range(_TRIES):
            with translated("sqs"):
                answer = self.clients("sqs").send_message_batch(QueueUrl=self.url, Entries=entries)
            failed = {entry["Id"] for entry in answer.get("Failed", ())}
            if not failed:
                return
            entries = [entry for entry in entries if entry["Id"] in failed]
        raise Unavailable(f"sqs refused {len(entries)} messages", service="sqs")


def _entry(number: int, message: Message) -> dict[str, Any]:
    body, group, delay = message
    entry: dict[str, Any] = {"Id": str(number), "MessageBody": body, "MessageGroupId": group}
    return entry | ({"DelaySeconds": delay} if delay else {})


def _batches(messages: Sequence[Message]) -> Iterator[list[Message]]:
    batch: list[Message] = []
    octets = 0
    for message in messages:
        size = len(message[0].encode())
        if batch and (len(batch) == _COUNT or octets + size > _OCTETS):
            yield batch
            batch, octets = [], 0
        batch.append(message)
        octets += size
    if batch:
        yield batch

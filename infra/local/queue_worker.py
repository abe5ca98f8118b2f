"""One SQS queue and its function, as Lambda's event source mapping drives them.

Batches are received and handed over as they come, several at once. What the function does not report as
failed is deleted; what it does comes back when its visibility ends. Killed at any point, nothing is lost.
"""

import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local import lambda_events
from infra.local.invocation import Context
from infra.local.sources import QueueSource

Handler = Callable[[Mapping[str, Any], Context], Any]
Message = Mapping[str, Any]

_LONGEST_BATCH = 10
"""ReceiveMessage and DeleteMessageBatch take no more."""
_LONG_POLL = 1
_PAUSE = 1.0
"""Seconds after the queue could not be reached."""
_GRACE = 20.0
"""Seconds that invocations have for their end when the stack is stopped; what is unfinished comes back."""


@dataclass(slots=True, kw_only=True)
class QueueWorker:
    """`start` and `stop` it; its threads take turns at receiving, so that an idle queue costs one request a second."""

    source: QueueSource
    handler: Handler
    sqs: Any
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _arn: str = ""

    def start(self) -> None:
        told = self.sqs.get_queue_attributes(QueueUrl=self.source.url, AttributeNames=["QueueArn"])
        self._arn = told["Attributes"]["QueueArn"]
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self.source.concurrency)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        deadline = time.monotonic() + _GRACE
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._turn:
                    messages = self._receive()
                if messages:
                    self._delete(self.invoke(messages))
            except (BotoCoreError, ClientError) as failure:
                print(f"{self.source.function.name}: {failure}", file=sys.stderr)
                self._stopping.wait(_PAUSE)

    def invoke(self, messages: Sequence[Message]) -> list[Message]:
        """Call the function once; returns the messages that are done with."""
        function = self.source.function
        context = Context(function_name=function.name, timeout=function.timeout, memory_limit_in_mb=function.memory)
        try:
            answer = self.handler(lambda_events.of_messages(messages, self._arn), context)
        except Exception:
            traceback.print_exc()
            return []
        failed = lambda_events.failures(
            answer if self.source.partial else None, [each["MessageId"] for each in messages]
        )
        return [message for message in messages if message["MessageId"] not in failed]

    def _receive(self) -> Sequence[Message]:
        if self._stopping.is_set():
            return ()
        answer = self.sqs.receive_message(
            QueueUrl=self.source.url,
            MaxNumberOfMessages=min(self.source.batch_size, _LONGEST_BATCH),
            WaitTimeSeconds=_LONG_POLL,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        received: Sequence[Message] = answer.get("Messages", ())
        return received

    def _delete(self, done: Sequence[Message]) -> None:
        entries = [{"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]} for number, each in enumerate(done)]
        if entries:
            self.sqs.delete_message_batch(QueueUrl=self.source.url, Entries=entries)

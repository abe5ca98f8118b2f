"""The stream of a table and its function, as Lambda's event source mapping drives them.

Records come in order, filtered, and a batch that failed is tried again from its first failure, for as long
as it takes. How far it has come is kept in a file, written after the function: a record may come twice,
none is left out. MiniStack forgets the stream when it ends, so `stop` first reads it to its end.
"""

import json
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local import filters, lambda_events
from infra.local.invocation import Context
from infra.local.sources import StreamSource

Handler = Callable[[Mapping[str, Any], Context], Any]
Record = Mapping[str, Any]

_EVERY = 0.25
"""Seconds between looks at an idle stream, as in Lambda."""
_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before a failed batch is tried again; the last one repeats."""
_GRACE = 20.0


@dataclass(slots=True, kw_only=True)
class StreamWorker:
    """One shard, because MiniStack's streams have one; one invocation at a time, because order counts."""

    source: StreamSource
    handler: Handler
    streams: Any
    stream_arn: str
    position_file: Path
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread:
            self._thread.join(_GRACE)

    def _work(self) -> None:
        """An iterator that was lost or has expired is made anew from the position."""
        while True:
            try:
                self._follow()
                return
            except (BotoCoreError, ClientError) as failure:
                if self._stopping.is_set():
                    return
                print(f"{self.source.function.name}: {failure}", file=sys.stderr)
                self._stopping.wait(_PAUSES[-1])

    def _follow(self) -> None:
        iterator = self._iterator()
        while iterator:
            stopping = self._stopping.is_set()
            answer = self.streams.get_records(ShardIterator=iterator, Limit=self.source.batch_size)
            records: Sequence[Record] = answer["Records"]
            if records and not self._publish(records):
                return
            iterator = answer.get("NextShardIterator")
            if not records:
                if stopping:
                    return
                self._stopping.wait(_EVERY)

    def _publish(self, records: Sequence[Record]) -> bool:
        """Until the function has taken them all; False when the stack is stopped before that."""
        left = [record for record in records if self._is_wanted(record)]
        tries = 0
        while left:
            failed_from = self.invoke(left)
            tries = tries + 1 if failed_from == 0 else 0
            left = left[failed_from:]
            if left and self._stopping.wait(_PAUSES[min(tries, len(_PAUSES) - 1)]):
                print(f"{self.source.function.name}: stopped with {len(left)} records not taken", file=sys.stderr)
                return False
        self._remember(_sequence(records[-1]))
        return True

    def invoke(self, records: Sequence[Record]) -> int:
        """Call the function once; returns how many records from the first on are done with."""
        function = self.source.function
        context = Context(function_name=function.name, timeout=function.timeout, memory_limit_in_mb=function.memory)
        try:
            answer = self.handler(lambda_events.of_changes(records, self.stream_arn), context)
        except Exception:
            traceback.print_exc()
            return 0
        sequences = [_sequence(record) for record in records]
        failed = lambda_events.failures(answer if self.source.partial else None, sequences)
        return min((sequences.index(sequence) for sequence in failed), default=len(records))

    def _is_wanted(self, record: Record) -> bool:
        return not self.source.patterns or any(filters.fits(pattern, record) for pattern in self.source.patterns)

    def _iterator(self) -> str:
        shard = self.streams.describe_stream(StreamArn=self.stream_arn)["StreamDescription"]["Shards"][0]["ShardId"]
        asked = {"StreamArn": self.stream_arn, "ShardId": shard}
        after = self._position()
        if after:
            try:
                return self._asked_for(asked | {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after})
            except self.streams.exceptions.TrimmedDataAccessException:
                pass  # the stream begins later than we ended: everything in it is new
        return self._asked_for(asked | {"ShardIteratorType": "TRIM_HORIZON"})

    def _asked_for(self, asked: Mapping[str, str]) -> str:
        iterator: str = self.streams.get_shard_iterator(**asked)["ShardIterator"]
        return iterator

    def _position(self) -> str | None:
        if not self.position_file.exists():
            return None
        kept: dict[str, str] = json.loads(self.position_file.read_text())
        return kept.get(self.stream_arn)

    def _remember(self, sequence: str) -> None:
        draft = self.position_file.with_suffix(".new")
        draft.write_text(json.dumps({self.stream_arn: sequence}))
        draft.replace(self.position_file)


def _sequence(record: Record) -> str:
    sequence: str = record["dynamodb"]["SequenceNumber"]
    return sequence

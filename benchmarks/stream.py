"""The stream of the deliveries table as its function sees it: in shards, filtered, in batches.

MiniStack's stream has one shard. What a shard of AWS's holds is all records of some partition keys, so the records are
dealt out by theirs, in order.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.lambdas import Event
from infra.local import filters, lambda_events
from infra.local.sources import StreamSource

SHARDS = 4
"""Of the stream of a table on demand that has not grown yet: one for each of its four partitions."""
Record = Mapping[str, Any]


def batch_size(rate: float, window: float, most: int) -> float:
    """Records in a batch: the first one opens the window, and what comes to this shard meanwhile goes with it."""
    return min(float(most), 1 + rate / SHARDS * window)


@dataclass(slots=True, kw_only=True)
class Tap:
    """Gives the records that were written since it was opened or last asked."""

    client: Any
    arn: str
    iterator: str

    @classmethod
    def open(cls, dynamodb: Any, streams: Any, table: str) -> "Tap":
        arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
        (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        asked = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "LATEST"}
        return cls(client=streams, arn=arn, iterator=streams.get_shard_iterator(**asked)["ShardIterator"])

    def records(self) -> list[Record]:
        found: list[Record] = []
        while True:
            answer = self.client.get_records(ShardIterator=self.iterator, Limit=1000)
            self.iterator = answer["NextShardIterator"]
            if not answer["Records"]:
                return found
            found += answer["Records"]

    def batches(self, records: Sequence[Record], size: int) -> Iterator[Event]:
        for batch in _runs(records, size):
            yield lambda_events.of_changes(batch, self.arn)


def wanted(records: Sequence[Record], source: StreamSource) -> list[Record]:
    """Those that the function's filter lets through: the others cost nothing."""
    return [record for record in records if any(filters.fits(pattern, record) for pattern in source.patterns)]


def by_shard(records: Sequence[Record], size: int) -> list[Record]:
    """The same records, so that each run of `size` is of one shard, the shards in turn; what fills no run is left out.

    The partition keys are dealt out evenly, as a good hash would on average.
    """
    keys = sorted({_partition(record) for record in records})
    shards: list[list[Record]] = [[] for _ in range(SHARDS)]
    for record in records:
        shards[keys.index(_partition(record)) % SHARDS].append(record)
    turns = zip(*(_runs(shard, size) for shard in shards), strict=False)
    return [record for turn in turns for run in turn for record in run]


def _partition(record: Record) -> str:
    key: str = record["dynamodb"]["Keys"]["pk"]["S"]
    return key


def _runs(records: Sequence[Record], size: int) -> Iterator[tuple[Record, ...]]:
    """Full ones only."""
    return zip(*[iter(records)] * size, strict=False)

"""The workers of app.py, fed from their queues and streams: `python -m infra.local.workers`.

Which function reads from where is in the packaged template; where the queues and tables are, and where AWS
is, in the environment. `make run` has them in its own process; alone they are for trials that kill them.
"""

import argparse
import importlib
import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from infra.local import sources
from infra.local.queue_worker import Handler, QueueWorker
from infra.local.sources import QueueSource, StreamSource
from infra.local.stream_worker import StreamWorker
from infra.template import Template

Source = TypeVar("Source", QueueSource, StreamSource)


@contextmanager
def running(template: Template, state: Path, timeout: float | None = None) -> Iterator[None]:
    """Every worker of the template; `timeout` in seconds replaces what the template gives the functions.

    At the end the queues stop first, so that the streams still publish what their last batches did.
    """
    queues, streams = sources.read(template, os.environ)
    with ExitStack() as stack:
        for stream in streams:
            worker = _stream_worker(_within(stream, timeout), state)
            worker.start()
            stack.callback(worker.stop)
        started = [_queue_worker(_within(queue, timeout)) for queue in queues]
        for each in started:
            each.start()
            stack.callback(each.stop)
        yield


def _within(source: Source, timeout: float | None) -> Source:
    return replace(source, function=replace(source.function, timeout=timeout)) if timeout else source


def _queue_worker(source: QueueSource) -> QueueWorker:
    return QueueWorker(source=source, handler=_handler(source.function), sqs=_client("sqs"))


def _stream_worker(source: StreamSource, state: Path) -> StreamWorker:
    table = _client("dynamodb").describe_table(TableName=source.table)["Table"]
    return StreamWorker(
        source=source,
        handler=_handler(source.function),
        streams=_client("dynamodbstreams"),
        stream_arn=table["LatestStreamArn"],
        position_file=state / f"{source.function.name}.position.json",
    )


def _handler(function: sources.Function) -> Handler:
    module, _, name = function.handler.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), name)
    return handler


def _client(service: str) -> Any:
    from boto3.session import Session
    from botocore.config import Config

    session: Any = Session()
    return session.client(service, config=Config(max_pool_connections=32))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.local.workers", description="The workers of app.py, alone.")
    parser.add_argument("--template", type=Path, default=Path("dist/local/sam.json"))
    parser.add_argument("--state", type=Path, default=Path(os.environ.get("STATE_DIR", ".local")))
    parser.add_argument("--timeout", type=float, help="seconds that an invocation may take (default: the template's)")
    asked = parser.parse_args()
    template: Mapping[str, Any] = json.loads(asked.template.read_text())
    asked.state.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with running(dict(template), asked.state, asked.timeout):
        print("workers: ready", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()

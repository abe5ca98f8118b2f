"""An AWS that does next to nothing, in a process of its own: `python -m benchmarks.stub [--far]`.

It answers what the functions ask of DynamoDB, SQS, KMS and Secrets Manager with the least that is valid, so
that a measurement of our own work holds no more than ours and boto3's. Items that are put can be read,
updates answer with the key, conditions always hold, messages wait in one queue. With `--far` each
answer is as late as the table of waits says.
"""

import argparse
import asyncio
import base64
import hashlib
import itertools
import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, cast

from benchmarks import child, prices

TOKEN_SECRET = json.dumps({"current": "1", "1": "a-secret-of-the-stub-that-is-long-enough-for-hmac"})
_SERVICES = {
    "DynamoDB_20120810": "dynamodb",
    "AmazonSQS": "sqs",
    "TrentService": "kms",
    "secretsmanager": "secretsmanager",
}
Body = Mapping[str, Any]


class Aws:
    """What is asked, by `X-Amz-Target`, and what is answered."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str, str], Body] = {}
        self._queue: deque[Body] = deque()
        self._numbers = itertools.count()
        self._operations: Mapping[str, Callable[[Body], Body]] = {
            "GetItem": self._get,
            "PutItem": lambda asked: self._put(asked["TableName"], asked["Item"]),
            "UpdateItem": lambda asked: {"Attributes": asked["Key"]},
            "TransactWriteItems": self._put_together,
            "SendMessageBatch": self._send,
            "ReceiveMessage": self._receive,
            "DeleteMessageBatch": lambda asked: {"Successful": [{"Id": each["Id"]} for each in asked["Entries"]]},
            "ChangeMessageVisibility": lambda _: {},
            "PurgeQueue": self._purge,
            "Encrypt": lambda asked: {"CiphertextBlob": asked["Plaintext"], "KeyId": asked["KeyId"]},
            "Decrypt": lambda asked: {"Plaintext": asked["CiphertextBlob"], "KeyId": asked["KeyId"]},
            "GetSecretValue": lambda asked: {"Name": asked["SecretId"], "SecretString": TOKEN_SECRET},
        }

    def answer(self, operation: str, asked: Body) -> Body:
        return self._operations[operation](asked)

    def _get(self, asked: Body) -> Body:
        found = self._items.get(_place(asked["TableName"], asked["Key"]))
        return {"Item": found} if found else {}

    def _put(self, table: str, item: Body) -> Body:
        self._items[_place(table, item)] = item
        return {}

    def _put_together(self, asked: Body) -> Body:
        for each in asked["TransactItems"]:
            self._put(each["Put"]["TableName"], each["Put"]["Item"])
        return {}

    def _send(self, asked: Body) -> Body:
        return {"Successful": [self._queued(entry) for entry in asked["Entries"]], "Failed": []}

    def _queued(self, entry: Body) -> Body:
        number = f"{next(self._numbers):08}"
        digest = hashlib.md5(entry["MessageBody"].encode(), usedforsecurity=False).hexdigest()
        self._queue.append(
            {
                "MessageId": f"00000000-0000-0000-0000-0000{number}",
                "ReceiptHandle": base64.b64encode(number.encode()).decode(),
                "Body": entry["MessageBody"],
                "MD5OfBody": digest,
                "Attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": entry.get("MessageGroupId", "")},
            }
        )
        return {"Id": entry["Id"], "MessageId": number, "MD5OfMessageBody": digest}

    def _purge(self, _: Body) -> Body:
        self._queue.clear()
        return {}

    def _receive(self, asked: Body) -> Body:
        count = min(len(self._queue), asked.get("MaxNumberOfMessages", 1))
        return {"Messages": [self._queue.popleft() for _ in range(count)]}


class _Connection(asyncio.Protocol):
    """HTTP/1.1 as boto3 speaks it: one request at a time, with a length."""

    def __init__(self, aws: Aws, waits: Mapping[str, float]) -> None:
        self._aws = aws
        self._waits = waits
        self._heard = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, end, rest = bytes(self._heard).partition(b"\r\n\r\n")
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        length = int(headers.get(b"content-length", b"0"))
        if end and len(rest) >= length:
            self._heard.clear()
            self._answer(_header(head, b"x-amz-target"), rest)

    def _answer(self, target: str, body: bytes) -> None:
        service, _, operation = target.partition(".")
        answer = json.dumps(self._aws.answer(operation, json.loads(body))).encode()
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
            f"x-amzn-RequestId: 0\r\nContent-Length: {len(answer)}\r\n\r\n"
        ).encode()
        wait = self._waits.get(_SERVICES[service], 0)
        asyncio.get_running_loop().call_later(wait, self._transport.write, head + answer)


def _header(head: bytes, name: bytes) -> str:
    lines = (line for line in head.split(b"\r\n") if line.lower().startswith(name + b":"))
    return next(lines).partition(b":")[2].strip().decode()


def _place(table: str, item: Body) -> tuple[str, str, str]:
    return table, item["pk"]["S"], item["sk"]["S"]


async def serve(*, far: bool) -> None:
    aws = Aws()
    waits = prices.SERVICE_WAITS if far else {}
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(aws, waits), "127.0.0.1", 0)
    await child.until_asked_to_end({"port": server.sockets[0].getsockname()[1]})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stub", description="Answers as AWS, at once.")
    parser.add_argument("--far", action="store_true", help="answer as late as the real one would")
    asyncio.run(serve(far=parser.parse_args().far))


if __name__ == "__main__":
    main()

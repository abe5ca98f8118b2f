"""Low-level clients with short patience, made when first asked for, and one translation of their failures."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from chalicelib.errors import ConditionFailed, Unavailable

_SLOW = {"s3": 30}


class Clients:
    """One session; `clients("sqs")` makes each client once. boto3 costs 200 ms to import: not before it is used."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}
        self._session: Any = None
        self._lock = Lock()

    def __call__(self, service: str) -> Any:
        made = self._made.get(service)
        return made if made is not None else self._make_once(service)

    def _make_once(self, service: str) -> Any:
        """A session makes clients for one thread at a time; the clients themselves are for any number."""
        with self._lock:
            if service not in self._made:
                self._made[service] = self._make(service)
            return self._made[service]

    def _make(self, service: str) -> Any:
        from boto3.session import Session
        from botocore.config import Config

        self._session = self._session or Session()
        config = Config(
            connect_timeout=1,
            read_timeout=_SLOW.get(service, 5),
            retries={"total_max_attempts": 3, "mode": "standard"},
            max_pool_connections=32,
        )
        return self._session.client(service, config=config)


@contextmanager
def translated(service: str) -> Iterator[None]:
    """Turn what botocore raises into our own tree: a lost condition, or a service that is not available."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as failure:
        if failure.response["Error"]["Code"] == "ConditionalCheckFailedException":
            answer: dict[str, Any] = {**failure.response}
            raise ConditionFailed("the condition did not hold", item=answer.get("Item")) from None
        raise Unavailable(f"{service} refused: {failure.response['Error']['Code']}", service=service) from failure
    except BotoCoreError as failure:
        raise Unavailable(f"{service} does not answer: {type(failure).__name__}", service=service) from failure

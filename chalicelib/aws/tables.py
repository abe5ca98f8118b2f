"""DynamoDB: a table whose items are plain dictionaries, and conditions that read as DynamoDB writes them.

The keys of every table are drawn in docs/keys.md. Expressions name attributes with `#` and values with
`:`; the names are collected from the expression itself:

    table.update(key, "SET #status = :status", {"status": "delivered"}, only_if="#concluded < :attempt")
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.aws.clients import Clients, translated
from chalicelib.errors import ConditionFailed, Unavailable

Item = dict[str, Any]
Key = tuple[str, str]
"""(pk, sk)"""

_NAME = re.compile(r"#(\w+)")
_VALUE = re.compile(r":(\w+)")
_BATCH = 25
"""BatchWriteItem takes no more."""
_PATIENCE = (0.05, 0.1, 0.2, 0.4)
"""Waits in seconds before unprocessed items are offered again."""


@dataclass(frozen=True, slots=True)
class Table:
    """Values may be str, int, bool, None, bytes, and lists and dictionaries of them."""

    clients: Clients
    name: str

    def get(self, key: Key, *, consistent: bool = False) -> Item | None:
        answer = self._call("get_item", Key=_marshal_key(key), ConsistentRead=consistent)
        return unmarshal(answer["Item"]) if "Item" in answer else None

    def put(self, item: Item, values: Mapping[str, Any] | None = None, *, only_if: str | None = None) -> None:
        """`ConditionFailed` carries the item that stood in the way."""
        asked = _expressions({"ConditionExpression": only_if}, values or {})
        self._call("put_item", Item=marshal(item), **asked)

    def update(self, key: Key, expression: str, values: Mapping[str, Any], *, only_if: str | None = None) -> Item:
        """Returns the item as it stands afterwards; `ConditionFailed` carries the item as it stood."""
        asked = _expressions({"UpdateExpression": expression, "ConditionExpression": only_if}, values)
        answer = self._call("update_item", Key=_marshal_key(key), ReturnValues="ALL_NEW", **asked)
        return unmarshal(answer["Attributes"])

    def query(
        self, pk: str, *, prefix: str = "", between: tuple[str, str] | None = None, consistent: bool = False
    ) -> Iterator[Item]:
        """All items under `pk`, in the order of `sk`, page by page."""
        condition, values = "#pk = :pk", {"pk": pk}
        if between:
            condition, values = (
                f"{condition} AND #sk BETWEEN :low AND :high",
                values | dict(zip(("low", "high"), between, strict=True)),
            )
        elif prefix:
            condition, values = f"{condition} AND begins_with(#sk, :prefix)", values | {"prefix": prefix}
        asked = _expressions({"KeyConditionExpression": condition}, values) | {"ConsistentRead": consistent}
        while True:
            page = self._call("query", **asked)
            yield from map(unmarshal, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def put_all(self, items: Sequence[Item]) -> None:
        """Without conditions, 25 a request; what DynamoDB leaves unprocessed is offered again."""
        for start in range(0, len(items), _BATCH):
            self._put_batch([{"PutRequest": {"Item": marshal(item)}} for item in items[start : start + _BATCH]])

    def put_together(self, items: Sequence[Item]) -> None:
        """All or none (at most 100), at twice the units."""
        puts = [{"Put": {"TableName": self.name, "Item": marshal(item)}} for item in items]
        with translated("dynamodb"):
            self.clients("dynamodb").transact_write_items(TransactItems=puts)

    def _put_batch(self, requests: Sequence[Any]) -> None:
        left = {self.name: requests}
        for wait in (*_PATIENCE, None):
            with translated("dynamodb"):
                left = self.clients("dynamodb").batch_write_item(RequestItems=left)["UnprocessedItems"]
            if not left:
                return
            if wait is None:
                raise Unavailable("dynamodb left items unprocessed", service="dynamodb")
            time.sleep(wait)

    def _call(self, operation: str, **asked: Any) -> Any:
        try:
            with translated("dynamodb"):
                return getattr(self.clients("dynamodb"), operation)(TableName=self.name, **asked)
        except ConditionFailed as lost:
            raise ConditionFailed(lost.message, item=unmarshal(lost.item) if lost.item else None) from None


def _expressions(written: Mapping[str, str | None], values: Mapping[str, Any]) -> dict[str, Any]:
    asked: dict[str, Any] = {name: text for name, text in written.items() if text}
    text = " ".join(asked.values())
    if names := set(_NAME.findall(text)):
        asked["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
    if used := set(_VALUE.findall(text)):
        asked["ExpressionAttributeValues"] = {f":{name}": _to_attribute(values[name]) for name in used}
    if written.get("ConditionExpression"):
        asked["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return asked


def _marshal_key(key: Key) -> dict[str, Any]:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def marshal(item: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values → DynamoDB's typed JSON."""
    return {name: _to_attribute(value) for name, value in item.items()}


def unmarshal(item: Mapping[str, Any]) -> Item:
    """DynamoDB's typed JSON, from an answer or from a stream, → plain values."""
    return {name: _from_attribute(value) for name, value in item.items()}


def _to_attribute(value: Any) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": marshal(value)}
        case Sequence():
            return {"L": [_to_attribute(member) for member in value]}
    raise TypeError(f"DynamoDB does not hold a {type(value).__name__}")


def _from_attribute(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return int(value)
        case "M":
            return unmarshal(value)
        case "L":
            return [_from_attribute(member) for member in value]
        case "NULL":
            return None
    return value

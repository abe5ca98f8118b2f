"""`Idempotency-Key`: the same request twice is answered once (for 24 hours, per account and environment).

A claim fixes the email id before anything else is written. Whoever repeats the request after a crash
repeats it with the same id, and so writes the same items and the same jobs.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib import log
from chalicelib.accounts.api_keys import Principal
from chalicelib.errors import ConditionFailed, Conflict, Invalid, PostscaleError

if TYPE_CHECKING:
    from chalicelib.aws.tables import Item, Table

_KEPT_SECONDS = 24 * 3600
_LEASE_SECONDS = 30
"""Longer than the function that answers may run."""
_LONGEST_KEY = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that may come again: whose, under which key, with which body (SHA-256)."""

    principal: Principal
    key: str
    body_digest: str

    @classmethod
    def of(cls, principal: Principal, key: str, body: bytes) -> "Request":
        if not (1 <= len(key) <= _LONGEST_KEY and key.isascii() and key.isprintable()):
            raise Invalid("Idempotency-Key must be 1 to 255 printable ASCII characters; a UUID is a good one")
        return cls(principal=principal, key=key, body_digest=hashlib.sha256(body).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """`answer` is there when the request has been answered; `fresh` when nobody has begun it before."""

    email_id: UUID
    fresh: bool
    answer: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Requests:
    table: "Table"

    def claim(self, request: Request, email_id: UUID, *, now: float) -> Claim:
        """Raises `Conflict` for another body under the same key, and while the first is still being answered."""
        pk, sk = _key(request)
        item = {
            "pk": pk,
            "sk": sk,
            "body": request.body_digest,
            "email_id": str(email_id),
            "lease_until": int(now) + _LEASE_SECONDS,
            "expires": int(now) + _KEPT_SECONDS,
        }
        try:
            self.table.put(item, {"now": int(now)}, only_if="attribute_not_exists(#pk) OR #expires < :now")
        except ConditionFailed as lost:
            return self._again(request, item, lost.item or {}, now)
        return Claim(email_id=email_id, fresh=True)

    def answer(self, request: Request) -> Mapping[str, Any] | None:
        """What an equal request was answered, if one was."""
        item = self.table.get(_key(request), consistent=True)
        return item.get("answer") if item and item["body"] == request.body_digest else None

    def conclude(self, request: Request, answer: Mapping[str, Any]) -> None:
        self.table.update(_key(request), "SET #answer = :answer", {"answer": answer})

    def release(self, request: Request) -> None:
        """The request failed on our side: an equal one may begin at once, with the same id. At best effort."""
        try:
            self.table.update(_key(request), "SET #lease_until = :none", {"none": 0}, only_if="attribute_exists(#pk)")
        except PostscaleError as failure:
            log.write("release_failed", error=failure.message)

    def _again(self, request: Request, ours: "Item", item: "Item", now: float) -> Claim:
        if item == ours:  # our own claim: its answer was lost, and the client library has asked a second time
            return Claim(email_id=UUID(item["email_id"]), fresh=True)
        if item["body"] != request.body_digest:
            raise Conflict(
                "this Idempotency-Key was used with another body; use a new key for a new message",
                code="idempotency_conflict",
            )
        email_id = UUID(item["email_id"])
        if "answer" in item:
            return Claim(email_id=email_id, fresh=False, answer=item["answer"])
        if item["lease_until"] > now:
            raise _in_progress()
        self._take_over(request, item["lease_until"], now)
        return Claim(email_id=email_id, fresh=False)

    def _take_over(self, request: Request, seen: int, now: float) -> None:
        try:
            self.table.update(
                _key(request),
                "SET #lease_until = :until",
                {"until": int(now) + _LEASE_SECONDS, "seen": seen},
                only_if="#lease_until = :seen AND attribute_not_exists(#answer)",
            )
        except ConditionFailed:
            raise _in_progress() from None


def _in_progress() -> Conflict:
    return Conflict(
        "a request with this Idempotency-Key is being answered; ask again in a second",
        code="idempotency_in_progress",
        retry_after_seconds=1,
    )


def _key(request: Request) -> tuple[str, str]:
    """The customer's key is hashed: it may hold anything, and it is none of our readers' business."""
    principal = request.principal
    digest = hashlib.sha256(request.key.encode()).hexdigest()
    return f"{principal.account_id}#{principal.environment}#{digest}", "request"

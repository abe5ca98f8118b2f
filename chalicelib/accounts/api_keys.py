"""API keys: shown once, kept as SHA-256, read fresh.

A key is `ps_live_` or `ps_test_` and 192 random bits; a fast hash suffices for a secret that nobody can
guess. Revocation holds within two seconds everywhere: no process remembers a key for longer.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import TYPE_CHECKING

from chalicelib.accounts.accounts import Accounts, State
from chalicelib.errors import Forbidden, NotFound, Unauthenticated
from chalicelib.recent import Recent

if TYPE_CHECKING:
    from chalicelib.aws.tables import Item, Table

_LONGEST = 200
"""Octets; a longer text is no key of ours and is not worth hashing."""


@unique
class Environment(StrEnum):
    LIVE = "live"
    TEST = "test"
    """Messages are checked and recorded, never delivered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who is asking, once a key has been believed."""

    account_id: str
    key_id: str
    environment: Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """`hint` is the end of the key, for people who look for one in a list; times are epoch seconds."""

    id: str
    environment: Environment
    hint: str
    created_at: int
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class ApiKeys:
    table: "Table"
    accounts: Accounts
    _recent: Recent[str, Principal] = field(default_factory=lambda: Recent(seconds=2))

    def create(self, account_id: str, environment: Environment, *, now: float) -> tuple[str, ApiKey]:
        """The key in clear, this once, and what is kept of it."""
        self.accounts.get(account_id)
        clear = f"ps_{environment}_{secrets.token_hex(24)}"
        key = ApiKey(
            id=secrets.token_hex(8), environment=environment, hint=clear[-4:], created_at=int(now), revoked_at=None
        )
        self._write(account_id, _digest(clear), key)
        return clear, key

    def principal(self, clear: str) -> Principal:
        """Raises `Unauthenticated` alike for a key that never was, was revoked, or is no key at all."""
        digest = _digest(clear[: _LONGEST + 1])
        return self._recent.get(digest, lambda: self._read(digest))

    def list(self, account_id: str) -> list[ApiKey]:
        return [_from_item(item) for item in self.table.query(f"account#{account_id}", prefix="key#")]

    def revoke(self, account_id: str, key_id: str, *, now: float) -> ApiKey:
        item = self.table.get((f"account#{account_id}", f"key#{key_id}"), consistent=True)
        if item is None:
            raise NotFound(f"account {account_id} has no key {key_id}")
        key = _from_item(item | {"revoked_at": item.get("revoked_at") or int(now)})
        self._write(account_id, item["sha256"], key)
        return key

    def _read(self, digest: str) -> Principal:
        item = self.table.get((f"key#{digest}", "key"), consistent=True)
        if item is None or item.get("revoked_at"):
            raise Unauthenticated("this API key is not known here; check that it was copied whole and not revoked")
        if self.accounts.get(item["account"]).state is State.SUSPENDED:
            raise Forbidden("this account is suspended; ask the operator of this service", code="account_suspended")
        return Principal(account_id=item["account"], key_id=item["id"], environment=Environment(item["environment"]))

    def _write(self, account_id: str, digest: str, key: ApiKey) -> None:
        """Both items or none: what the list shows is what the door believes."""
        common = {
            "id": key.id,
            "environment": key.environment,
            "hint": key.hint,
            "created_at": key.created_at,
            "revoked_at": key.revoked_at,
        }
        by_digest = {"pk": f"key#{digest}", "sk": "key", "account": account_id} | common
        by_account = {"pk": f"account#{account_id}", "sk": f"key#{key.id}", "sha256": digest} | common
        self.table.put_together([by_digest, by_account])


def _digest(clear: str) -> str:
    return hashlib.sha256(clear.encode("utf-8", "surrogatepass")).hexdigest()


def _from_item(item: "Item") -> ApiKey:
    return ApiKey(
        id=item["id"],
        environment=Environment(item["environment"]),
        hint=item["hint"],
        created_at=item["created_at"],
        revoked_at=item.get("revoked_at"),
    )

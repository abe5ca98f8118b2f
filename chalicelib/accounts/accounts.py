"""Accounts: made by the operator, suspended by the operator."""

import base64
import secrets
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING

from chalicelib.errors import NotFound

if TYPE_CHECKING:
    from chalicelib.aws.tables import Item, Table

_LIST, _LISTED = "accounts", "account#"
"""Where the ids of all accounts are, beside the accounts themselves."""


@unique
class State(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    """By the operator: every key is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`id` is 8 lower-case base32 characters (40 bits, to fit into a return path); `created_at` epoch seconds."""

    id: str
    name: str
    state: State
    created_at: int


@dataclass(frozen=True, slots=True)
class Accounts:
    table: "Table"

    def create(self, name: str, *, now: float) -> Account:
        account = Account(id=self._free_id(), name=name, state=State.ACTIVE, created_at=int(now))
        item = _key(account.id) | {"name": name, "state": account.state, "created_at": account.created_at}
        listed = {"pk": _LIST, "sk": f"{_LISTED}{account.id}"}
        self.table.put_together([item, listed])
        return account

    def get(self, account_id: str) -> Account:
        """Read strongly: a suspension bites at once."""
        item = self.table.get((f"account#{account_id}", "account"), consistent=True)
        if item is None:
            raise NotFound(f"there is no account {account_id}")
        return Account(id=account_id, name=item["name"], state=State(item["state"]), created_at=item["created_at"])

    def list(self) -> "list[Account]":
        """All of them, by id. The list holds ids alone; what it tells of each is that account's own item."""
        ids = [item["sk"].removeprefix(_LISTED) for item in self.table.query(_LIST, prefix=_LISTED, consistent=True)]
        return [self.get(account_id) for account_id in ids]

    def _free_id(self) -> str:
        """Forty random bits may come twice, and one account must never be written over another."""
        account_id = _new_id()
        while self.table.get((f"account#{account_id}", "account"), consistent=True) is not None:
            account_id = _new_id()
        return account_id


def _new_id() -> str:
    return base64.b32encode(secrets.token_bytes(5)).decode().lower()


def _key(account_id: str) -> "Item":
    return {"pk": f"account#{account_id}", "sk": "account"}

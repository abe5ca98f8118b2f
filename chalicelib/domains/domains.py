"""Domains of an account, and whether mail may be sent from them."""

from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import TYPE_CHECKING

from chalicelib.recent import Recent

if TYPE_CHECKING:
    from chalicelib.aws.tables import Item, Table

_CHECKS = ("ownership", "spf", "dkim")
"""What must be verified before a domain may send; DMARC and the return path are advice."""


@unique
class Type(StrEnum):
    OUTBOUND = "outbound"
    INBOUND = "inbound"
    BOTH = "both"
    ALIAS = "alias"


_SENDING = frozenset({Type.OUTBOUND, Type.BOTH})


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """`name` is a lower-case A-label; `selector` names the DKIM key that signs; `verified` the checks that hold."""

    account_id: str
    name: str
    id: str
    type: Type
    active: bool
    verified: frozenset[str]
    selector: str | None

    @property
    def missing(self) -> list[str]:
        """Why this domain may not send; empty when it may."""
        reasons = [check for check in _CHECKS if check not in self.verified]
        if self.type not in _SENDING:
            reasons.append("type")
        if not self.active:
            reasons.append("active")
        return reasons

    @property
    def has_return_path(self) -> bool:
        """Whether `ps-bounces.<name>` leads to us, so that bounces sent there come back."""
        return "return_path" in self.verified


@dataclass(frozen=True, slots=True)
class Domains:
    table: "Table"
    _recent: Recent[tuple[str, str], Domain | None] = field(default_factory=lambda: Recent(seconds=30))

    def get(self, account_id: str, name: str) -> Domain | None:
        """As it stood at most 30 seconds ago."""
        return self._recent.get((account_id, name), lambda: self._read(account_id, name))

    def put(self, domain: Domain) -> None:
        self.table.put(
            {
                "pk": f"account#{domain.account_id}",
                "sk": f"domain#{domain.name}",
                "id": domain.id,
                "type": domain.type,
                "active": domain.active,
                "verified": sorted(domain.verified),
                "selector": domain.selector,
            }
        )
        self._recent.forget((domain.account_id, domain.name))

    def _read(self, account_id: str, name: str) -> Domain | None:
        item = self.table.get((f"account#{account_id}", f"domain#{name}"))
        return _from_item(account_id, item) if item else None


def _from_item(account_id: str, item: "Item") -> Domain:
    return Domain(
        account_id=account_id,
        name=item["sk"].removeprefix("domain#"),
        id=item["id"],
        type=Type(item["type"]),
        active=item["active"],
        verified=frozenset(item["verified"]),
        selector=item["selector"],
    )

"""DKIM private keys: encrypted by KMS at rest, in clear only inside a process that signs.

The encryption context names account, domain and selector, so a ciphertext moved to another item does
not open. Loaded keys are kept by (domain, selector), a bounded number of them; *which* selector signs is
read with the domain.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chalicelib.errors import NotFound
from chalicelib.mail import dkim
from chalicelib.recent import Recent

if TYPE_CHECKING:
    from chalicelib.aws.keys import Vault
    from chalicelib.aws.tables import Item, Key, Table


@dataclass(frozen=True, slots=True)
class DkimKeys:
    table: "Table"
    vault: "Vault"
    _loaded: Recent[tuple[str, str, str], dkim.SigningKey] = field(
        default_factory=lambda: Recent(seconds=3600, size=512)
    )

    def create(self, account_id: str, domain: str, selector: str) -> str:
        """Make and keep a key; returns the value of the TXT record to publish (RFC 6376 §3.6.1)."""
        private = dkim.generate_private_key()
        public = dkim.public_record(private)
        sealed = self.vault.encrypt(private, _context(account_id, domain, selector))
        pk, sk = _key(account_id, domain, selector)
        item = {"pk": pk, "sk": sk, "private": sealed, "public": public}
        self.table.put(item, only_if="attribute_not_exists(#pk)")
        return dkim.dns_value(public)

    def published(self, account_id: str, domain: str, selector: str) -> str:
        """The value of the TXT record of a key that stands."""
        return dkim.dns_value(self._item(account_id, domain, selector)["public"])

    def signing(self, account_id: str, domain: str, selector: str) -> dkim.SigningKey:
        return self._loaded.get((account_id, domain, selector), lambda: self._load(account_id, domain, selector))

    def _load(self, account_id: str, domain: str, selector: str) -> dkim.SigningKey:
        sealed = self._item(account_id, domain, selector)["private"]
        private = self.vault.decrypt(sealed, _context(account_id, domain, selector))
        return dkim.SigningKey.load(domain, selector, private)

    def _item(self, account_id: str, domain: str, selector: str) -> "Item":
        item = self.table.get(_key(account_id, domain, selector))
        if item is None:
            raise NotFound(f"{domain} has no DKIM key at selector {selector}")
        return item


def _key(account_id: str, domain: str, selector: str) -> "Key":
    return f"account#{account_id}", f"dkim#{domain}#{selector}"


def _context(account_id: str, domain: str, selector: str) -> dict[str, str]:
    return {"account": account_id, "domain": domain, "selector": selector}

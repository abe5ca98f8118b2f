"""What is added for one delivery: our correlation mark, the DKIM signature over it, and the return path."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.domains.dkim_keys import DkimKeys
from chalicelib.domains.domains import Domain, Domains
from chalicelib.errors import NotFound
from chalicelib.mail import dkim, return_path, token
from chalicelib.mail.envelope import Envelope
from chalicelib.outbound.queue import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """`keyring` is asked at every delivery, so that a rotated secret is used soon."""

    domains: Domains
    dkim_keys: DkimKeys
    keyring: Callable[[], token.Keyring]
    clock: Callable[[], float]

    def prepare(self, job: Job, message: bytes) -> tuple[Envelope, bytes] | None:
        """The envelope and the bytes that go out; None while the domain may not send, or has no key."""
        domain = self.domains.get(job.account_id, job.domain)
        key = self._key(domain) if domain else None
        if domain is None or key is None:
            return None
        mark = token.Token(account=job.account_id, email_id=job.email_id, recipient=job.number)
        sealed = token.seal(mark, token.Purpose.COMPLAINT, domain.name, self.keyring())
        stamped = b"X-PS-ID: " + sealed.encode() + b"\r\n" + message
        signature = dkim.sign(stamped, key, at=datetime.fromtimestamp(self.clock(), UTC))
        return Envelope(mail_from=self._mail_from(job, domain, mark), rcpt_to=job.recipient), signature + stamped

    def _key(self, domain: Domain) -> dkim.SigningKey | None:
        """Asked at every attempt: what was accepted yesterday is not sent for a domain that lost its proof today."""
        if domain.missing or domain.selector is None:
            return None
        try:
            return self.dkim_keys.signing(domain.account_id, domain.name, domain.selector)
        except NotFound:
            return None

    def _mail_from(self, job: Job, domain: Domain, mark: token.Token) -> str:
        """Without a return path of its own, the address that the domain's own SPF record covers."""
        if not domain.has_return_path:
            return job.sender
        return return_path.address(mark, domain.name, self.keyring())

"""What is added for one delivery: our correlation mark, the DKIM signature over it, and the return path."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.domains.dkim_keys import DkimKeys
from chalicelib.domains.domains import Domain, Domains
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
        """The envelope and the bytes that go out; None while nothing can sign for the domain."""
        domain = self.domains.get(job.account_id, job.domain)
        if domain is None or domain.selector is None:
            return None
        mark = token.Token(account=job.account_id, email_id=job.email_id, recipient=job.number)
        sealed = token.seal(mark, token.Purpose.COMPLAINT, domain.name, self.keyring())
        stamped = b"X-PS-ID: " + sealed.encode() + b"\r\n" + message
        key = self.dkim_keys.signing(job.account_id, domain.name, domain.selector)
        signature = dkim.sign(stamped, key, at=datetime.fromtimestamp(self.clock(), UTC))
        return Envelope(mail_from=self._mail_from(job, domain, mark), rcpt_to=job.recipient), signature + stamped

    def _mail_from(self, job: Job, domain: Domain, mark: token.Token) -> str:
        """Without a return path of its own, the address that the domain's own SPF record covers."""
        if not domain.has_return_path:
            return job.sender
        return return_path.address(mark, domain.name, self.keyring())

"""A customer hands us a message: check, compose, write down, enqueue, and only then say yes.

Order of writing: the idempotency record fixes the id, then the deliveries, then the jobs, then the
answer. Whatever breaks off in between leaves either nothing that was accepted, or something that a
repetition completes with the same ids.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from chalicelib.accounts.api_keys import Environment, Principal
from chalicelib.domains.domains import Domain, Domains
from chalicelib.errors import Forbidden, Refused, Unavailable
from chalicelib.events import email_id as ids
from chalicelib.events.delivery import Delivery, Header, Status
from chalicelib.outbound import composition
from chalicelib.outbound.composition import Draft
from chalicelib.outbound.deliveries import Deliveries
from chalicelib.outbound.idempotency import Claim, Request, Requests
from chalicelib.outbound.queue import Job, Outbox

_SUBJECT_CHARACTERS = 200
"""Kept in the log; the message itself has all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The first step of the way out; `keep_seconds` is how long the log remembers."""

    domains: Domains
    deliveries: Deliveries
    requests: Requests
    outbox: Outbox
    clock: Callable[[], float]
    keep_seconds: int

    def accept(self, principal: Principal, draft: Draft, request: Request | None) -> Mapping[str, Any]:
        """The answer to give (202) once the message is durable; otherwise raises and nothing is sent."""
        try:
            domain = self._eligible(principal, draft)
        except Refused:
            if request and (answered := self.requests.answer(request)):
                return answered
            raise
        asked = _Asked(principal=principal, draft=draft, domain=domain)
        claim = Claim(email_id=ids.new(self.clock()), fresh=True)
        message = composition.compose(claim.email_id, draft)  # what cannot be composed must not use up the key
        if request is None:
            return self._write(asked, claim, message)
        claim = self.requests.claim(request, claim.email_id, now=self.clock())
        if claim.answer is not None:
            return claim.answer
        return self._answer_once(
            request, asked, claim, message if claim.fresh else composition.compose(claim.email_id, draft)
        )

    def _answer_once(self, request: Request, asked: "_Asked", claim: Claim, message: bytes) -> Mapping[str, Any]:
        try:
            answer = self._write(asked, claim, message)
        except Exception:
            self.requests.release(request)
            raise
        self.requests.conclude(request, answer)
        return answer

    def _eligible(self, principal: Principal, draft: Draft) -> Domain:
        """Judged by the header From, the address that a reader sees."""
        name = draft.sender.domain
        domain = self.domains.get(principal.account_id, name)
        if domain is None:
            raise _not_verified(f"this account has no domain {name}; send from one of its own", ["domain"])
        if domain.missing:
            raise _not_verified(f"{name} may not send; what is missing: {', '.join(domain.missing)}", domain.missing)
        return domain

    def _write(self, asked: "_Asked", claim: Claim, message: bytes) -> Mapping[str, Any]:
        principal, draft = asked.principal, asked.draft
        deliveries = self._deliveries(asked, claim.email_id)
        try:
            self.deliveries.create(deliveries, fresh=claim.fresh)
            if principal.environment is Environment.LIVE:
                self.outbox.put([_job(delivery, draft) for delivery in deliveries], message)
        except Exception as failure:
            if not _table_is_away(failure):
                self.deliveries.withdraw(deliveries, now=self.clock())
            raise
        return {
            "id": str(claim.email_id),
            "message_id": composition.message_id(claim.email_id, draft),
            "status": deliveries[0].status.value,
            "environment": principal.environment.value,
        }

    def _deliveries(self, asked: "_Asked", email_id: UUID) -> list[Delivery]:
        now = self.clock()
        principal, draft = asked.principal, asked.draft
        live = principal.environment is Environment.LIVE
        deliveries = [
            Delivery(
                account_id=principal.account_id,
                email_id=email_id,
                number=number,
                address=recipient.addr_spec,
                kind="to",
                domain=asked.domain.name,
                environment=principal.environment.value,
                status=Status.QUEUED if live else Status.SIMULATED,
                updated_at=int(now * 1000),
                expires=int(now) + self.keep_seconds,
            )
            for number, recipient in enumerate(draft.to)
        ]
        return [replace(deliveries[0], header=_header(email_id, draft)), *deliveries[1:]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A draft, who handed it in, and the domain that it may be sent from."""

    principal: Principal
    draft: Draft
    domain: Domain


def _table_is_away(failure: Exception) -> bool:
    """Then asking it once more would only make the caller wait until the gateway has given up on us."""
    return isinstance(failure, Unavailable) and failure.details.get("service") == "dynamodb"


def _not_verified(message: str, missing: list[str]) -> Forbidden:
    return Forbidden(message, code="domain_not_verified", missing=missing)


def _header(email_id: UUID, draft: Draft) -> Header:
    return Header(
        message_id=composition.message_id(email_id, draft),
        sender=draft.sender.addr_spec,
        subject=draft.subject[:_SUBJECT_CHARACTERS],
        to=tuple(recipient.addr_spec for recipient in draft.to),
    )


def _job(delivery: Delivery, draft: Draft) -> Job:
    return Job(
        account_id=delivery.account_id,
        email_id=delivery.email_id,
        number=delivery.number,
        attempt=1,
        recipient=delivery.address,
        sender=draft.sender.addr_spec,
        domain=delivery.domain,
        content=None,
        object=None,
    )

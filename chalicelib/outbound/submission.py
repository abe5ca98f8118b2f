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
        email_id = ids.new(self.clock())
        composition.compose(email_id, draft)  # what cannot be composed must not use up the key
        if request is None:
            return self._write(principal, draft, domain, Claim(email_id=email_id, fresh=True))
        claim = self.requests.claim(request, email_id, now=self.clock())
        return claim.answer or self._answer_once(principal, draft, domain, (request, claim))

    def _answer_once(
        self, principal: Principal, draft: Draft, domain: Domain, claimed: tuple[Request, Claim]
    ) -> Mapping[str, Any]:
        request, claim = claimed
        try:
            answer = self._write(principal, draft, domain, claim)
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

    def _write(self, principal: Principal, draft: Draft, domain: Domain, claim: Claim) -> Mapping[str, Any]:
        message = composition.compose(claim.email_id, draft)
        deliveries = self._deliveries(principal, draft, domain, claim.email_id)
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

    def _deliveries(self, principal: Principal, draft: Draft, domain: Domain, email_id: UUID) -> list[Delivery]:
        now = self.clock()
        live = principal.environment is Environment.LIVE
        deliveries = [
            Delivery(
                account_id=principal.account_id,
                email_id=email_id,
                number=number,
                address=recipient.addr_spec,
                kind="to",
                domain=domain.name,
                environment=principal.environment.value,
                status=Status.QUEUED if live else Status.SIMULATED,
                updated_at=int(now * 1000),
                expires=int(now) + self.keep_seconds,
            )
            for number, recipient in enumerate(draft.to)
        ]
        return [replace(deliveries[0], header=_header(email_id, draft)), *deliveries[1:]]


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

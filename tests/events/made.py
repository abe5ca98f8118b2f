"""Deliveries for tests, whole but for what the test is about."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from chalicelib.events.delivery import Attempt, Delivery, Header, Status
from chalicelib.outbound.queue import Job

EMAIL_ID = UUID("019aa5d4-7a00-7abc-8def-0123456789a5")


def delivery(**changes: Any) -> Delivery:
    made = Delivery(
        account_id="abcdefgh",
        email_id=EMAIL_ID,
        number=0,
        address="ann@inbox.test",
        kind="to",
        domain="acme.test",
        environment="live",
        status=Status.QUEUED,
        updated_at=1_763_700_000_000,
        expires=1_800_000_000,
        header=Header(
            message_id=f"{EMAIL_ID}@acme.test",
            sender="no-reply@acme.test",
            subject="Your receipt",
            to=("ann@inbox.test",),
        ),
    )
    return replace(made, **changes)


def attempt(n: int, outcome: str, **changes: Any) -> Attempt:
    return replace(Attempt(n=n, at=1_763_700_000_000 + n, outcome=outcome, server="mx.inbox.test"), **changes)


def job(**changes: Any) -> Job:
    """The first attempt at that delivery."""
    whole = Job(
        account_id="abcdefgh",
        email_id=EMAIL_ID,
        number=0,
        attempt=1,
        recipient="ann@inbox.test",
        sender="no-reply@acme.test",
        domain="acme.test",
        content=b"",
        object=None,
    )
    return replace(whole, **changes)

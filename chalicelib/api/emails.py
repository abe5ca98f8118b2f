"""`POST /v1/send`, and what became of it: `GET /v1/emails/{id}` and `/v1/emails/{id}/events`."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.api import body, draft
from chalicelib.api.door import Door, Request
from chalicelib.errors import NotFound
from chalicelib.events import email_id as ids
from chalicelib.events import history, status
from chalicelib.events.delivery import Attempt, Delivery, Header, Status
from chalicelib.events.history import Event
from chalicelib.outbound import idempotency
from chalicelib.outbound.deliveries import Deliveries
from chalicelib.outbound.submission import Submission


def routes(door: Door, *, submission: Callable[[], Submission], deliveries: Callable[[], Deliveries]) -> Blueprint:
    blueprint = Blueprint(__name__)

    @door.route(blueprint, "/v1/send", "POST")
    def send(request: Request) -> Response:
        key = request.headers.get("idempotency-key")
        once = idempotency.Request.of(request.principal, key, request.raw_body) if key is not None else None
        asked = draft.parse(body.parse(request.raw_body))
        return Response(body=dict(submission().accept(request.principal, asked, once)), status_code=202)

    @door.route(blueprint, "/v1/emails/{email_id}", "GET")
    def get(request: Request, email_id: str) -> Response:
        return Response(body={"email": _email(_find(deliveries(), request, email_id))})

    @door.route(blueprint, "/v1/emails/{email_id}/events", "GET")
    def events(request: Request, email_id: str) -> Response:
        found = _find(deliveries(), request, email_id)
        told = sorted((event for delivery in found for event in history.of(delivery)), key=lambda event: event.at)
        return Response(body={"events": [_event(event) for event in told]})

    return blueprint


def _find(deliveries: Deliveries, request: Request, text: str) -> list[Delivery]:
    email_id = ids.parse(text)
    found = deliveries.find(request.principal.account_id, email_id) if email_id else []
    if not found:
        raise NotFound("this account has no email with this id")
    return found


def _email(deliveries: Sequence[Delivery]) -> dict[str, Any]:
    first = deliveries[0]
    header = first.header or Header(message_id="", sender="", subject="", to=())
    return {
        "id": str(first.email_id),
        "message_id": header.message_id,
        "domain": first.domain,
        "from": header.sender,
        "to": list(header.to),
        "subject": header.subject,
        "status": status.fold(delivery.status for delivery in deliveries).value,
        "environment": first.environment,
        "created_at": _time(ids.milliseconds(first.email_id)),
        "updated_at": _time(max(delivery.updated_at for delivery in deliveries)),
        "delivered_at": _delivered_at(deliveries),
        "recipients": [_recipient(delivery) for delivery in deliveries],
    }


def _recipient(delivery: Delivery) -> dict[str, Any]:
    last = delivery.attempts[-1] if delivery.attempts else None
    return {
        "address": delivery.address,
        "kind": delivery.kind,
        "status": delivery.status.value,
        "attempts": delivery.concluded,
        "last_reply": last.words if last else None,
        "next_attempt_at": _time(last.next_at) if last and last.next_at else None,
    }


def _event(event: Event) -> dict[str, Any]:
    told = {"id": event.id, "event_type": event.type.value, "timestamp": _time(event.at), "recipient": event.recipient}
    return told | (_attempt(event.attempt) if event.attempt else {})


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "attempt": attempt.n,
        "mx_host": attempt.server,
        "stage": attempt.stage,
        "tls": attempt.tls,
        "smtp_code": attempt.code,
        "enhanced_code": attempt.enhanced,
        "reply": attempt.words,
        "bounce_type": attempt.bounce_type,
        "next_attempt_at": _time(attempt.next_at) if attempt.next_at else None,
    }


def _delivered_at(deliveries: Sequence[Delivery]) -> str | None:
    times = [d.attempts[-1].at for d in deliveries if d.status is Status.DELIVERED and d.attempts]
    return _time(max(times)) if times else None


def _time(milliseconds: int) -> str:
    """RFC 3339 in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

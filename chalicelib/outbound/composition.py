"""A draft → the message that everybody will see (RFC 5322), the same bytes every time it is composed again."""

from dataclasses import dataclass
from uuid import UUID

from chalicelib.events import email_id as ids
from chalicelib.mail import message
from chalicelib.mail.address import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a customer wants said; at least one of `text` and `html` is there."""

    sender: Address
    to: tuple[Address, ...]
    subject: str
    text: str | None
    html: str | None


def message_id(email_id: UUID, draft: Draft) -> str:
    """Without angle brackets. It carries the email id, so a bounce that quotes the header names the message."""
    return f"{email_id}@{draft.sender.domain}"


def compose(email_id: UUID, draft: Draft) -> bytes:
    """Date, Message-ID and boundaries come from the id: a submission that is repeated repeats its bytes."""
    return message.compose(
        message.Content(
            sender=draft.sender,
            to=draft.to,
            subject=draft.subject,
            text=draft.text,
            html=draft.html,
            message_id=message_id(email_id, draft),
            date=ids.moment(email_id),
        )
    )

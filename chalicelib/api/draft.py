"""The body of `POST /v1/send` → a draft, or the first thing wrong with it, in words that help."""

import difflib
from collections.abc import Mapping
from typing import Any

from chalicelib.errors import BadAddress, Invalid
from chalicelib.mail import address
from chalicelib.mail.address import Address
from chalicelib.outbound.composition import Draft

_MAX_RECIPIENTS = 100
_MAX_LISTED = 1000
"""Entries of a list that are looked at, those that are there twice included."""
_FIELDS = frozenset({"from", "to", "subject", "text_body", "html_body"})
_ALIASES = {"html": "html_body", "text": "text_body", "body": "text_body"}


def parse(body: Mapping[str, Any]) -> Draft:
    for name in body:
        if name not in _FIELDS:
            raise Invalid(f"the field {name[:50]!r} is not known here; {_advice(name)}", field=name[:50])
    draft = Draft(
        sender=_address("from", _text(body, "from", required=True)),
        to=_recipients(body.get("to")),
        subject=_text(body, "subject", required=True),
        text=_text(body, "text_body") or None,
        html=_text(body, "html_body") or None,
    )
    if draft.text is None and draft.html is None:
        raise Invalid("give text_body or html_body, or both", field="text_body")
    return draft


def _advice(name: str) -> str:
    close = _ALIASES.get(name) or next(iter(difflib.get_close_matches(name[:50], _FIELDS, n=1)), None)
    return f"did you mean {close!r}?" if close else f"these are: {', '.join(sorted(_FIELDS))}"


def _text(body: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    value = body.get(name)
    if value is None and not required:
        return ""
    if value is None:
        raise Invalid(f"{name!r} is missing", field=name)
    if not isinstance(value, str):
        raise Invalid(f"{name!r} must be a string", field=name)
    if required and not value.strip():
        raise Invalid(f"{name!r} must not be empty", field=name)
    return value


def _recipients(value: Any) -> tuple[Address, ...]:
    """Without those that are there twice, in the order given; one string is taken for a list of one."""
    if value is None:
        raise Invalid("'to' is missing", field="to")
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed or not all(isinstance(text, str) for text in listed):
        raise Invalid("'to' must be a list of addresses, such as [\"ann@example.net\"]", field="to")
    unique: dict[str, Address] = {}
    for text in dict.fromkeys(listed[:_MAX_LISTED]):
        recipient = _address("to", text)
        unique.setdefault(recipient.addr_spec, recipient)
        if len(unique) > _MAX_RECIPIENTS:
            break
    if len(unique) > _MAX_RECIPIENTS or len(listed) > _MAX_LISTED:
        raise Invalid(
            f"too many recipients: one message takes at most {_MAX_RECIPIENTS}",
            code="too_many_recipients",
            field="to",
        )
    return tuple(unique.values())


def _address(field: str, text: str) -> Address:
    try:
        return address.parse(text)
    except BadAddress as failure:
        raise BadAddress(f"{field!r}: {failure.message}", field=field) from None

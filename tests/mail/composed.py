"""A message to compose, whole but for what the test is about."""

import re
from datetime import UTC, datetime

from chalicelib.mail.address import parse
from chalicelib.mail.message import Content


def content(
    *,
    subject: str = "Your order",
    text: str | None = "Hello Ann\n",
    html: str | None = None,
    sender: str = "hello@acme.test",
    to: tuple[str, ...] = ("ann@inbox.test",),
) -> Content:
    return Content(
        sender=parse(sender),
        to=tuple(parse(address) for address in to),
        subject=subject,
        text=text,
        html=html,
        message_id="0193-1@acme.test",
        date=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )


def header_of(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[0]


def assert_clean(raw: bytes) -> None:
    assert not re.search(rb"[^\t\r\n -~]|\r(?!\n)|(?<!\r)\n", raw)
    assert raw.endswith(b"\r\n")
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    header = header_of(raw).split(b"\r\n")
    assert all(len(line) <= 78 or len(line.split()) == 1 for line in header)
    assert all(re.match(rb"[A-Z][A-Za-z-]+:|[ ]\S", line) for line in header)

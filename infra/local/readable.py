"""A received mail as a person wants to see it: its headers, its texts, and what is attached."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser

from infra.local.mailbox import readable

_MOST_PARTS = 100
_FROM_ELSEWHERE = re.compile(
    r"""(?:\b(?:src|srcset|background|poster)\s*=|url\()\s*["']?\s*(?:https?:|cid:|//)""", re.I
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    name: str
    content_type: str
    octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """`text` and `html` are the first of their kind, None where there is none."""

    headers: Sequence[tuple[str, str]]
    text: str | None
    html: str | None
    attachments: Sequence[Attachment]

    @property
    def loads(self) -> bool:
        """Whether the HTML wants images, or anything else, that are not in it: of a server, or attached."""
        return self.html is not None and _FROM_ELSEWHERE.search(self.html) is not None


def read(raw: bytes) -> Readable:
    """Never an exception: what cannot be decoded is shown as well as may be."""
    message = BytesParser().parsebytes(raw)
    leaves = [part for part in message.walk() if not part.is_multipart()][:_MOST_PARTS]
    shown = {part.get_content_type(): part for part in reversed(leaves) if not _is_attached(part)}
    return Readable(
        headers=[(name, readable(value)) for name, value in message.items()],
        text=_text(shown.get("text/plain")),
        html=_text(shown.get("text/html")),
        attachments=[_attachment(part) for part in leaves if _is_attached(part)],
    )


def _is_attached(part: Message) -> bool:
    return part.get_filename() is not None or part.get_content_maintype() != "text"


def _attachment(part: Message) -> Attachment:
    return Attachment(
        name=readable(part.get_filename() or "without a name"),
        content_type=part.get_content_type(),
        octets=len(_octets(part)),
    )


def _text(part: Message | None) -> str | None:
    if part is None:
        return None
    try:
        return _octets(part).decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):
        return _octets(part).decode("utf-8", "replace")


def _octets(part: Message) -> bytes:
    decoded = part.get_payload(decode=True)
    return decoded if isinstance(decoded, bytes) else b""

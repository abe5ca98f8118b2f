"""The mail that the local receivers have taken: each one's raw octets, and what the envelope said, in files."""

import email.errors
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """How a mail arrived. `mail_from` is "" for the null reverse path; `tls` says whether it came encrypted."""

    mail_from: str
    rcpt_to: tuple[str, ...]
    tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One line of the list; ids sort by the time of arrival. `header_from` is whom the mail itself names."""

    id: str
    received_at: str
    mail_from: str
    rcpt_to: tuple[str, ...]
    subject: str
    tls: bool
    header_from: str


class Mailbox:
    """`<id>.eml` holds the octets as they came, `<id>.json` the rest; the second file makes the mail count."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        self._kept = {kept.id: kept for kept in map(_load, sorted(folder.glob("*.json")))}

    def keep(self, envelope: Envelope, raw: bytes) -> Kept:
        with self._lock:
            now = time.time_ns()
            while f"{now:x}" in self._kept:
                now += 1
            kept = Kept(
                id=f"{now:x}",
                received_at=datetime.fromtimestamp(now / 1e9, UTC).isoformat(timespec="milliseconds"),
                subject=header(raw, "Subject"),
                header_from=header(raw, "From"),
                **asdict(envelope),
            )
            self._path(kept.id, "eml").write_bytes(raw)
            draft = self._path(kept.id, "new")
            draft.write_text(json.dumps(asdict(kept)))
            draft.replace(self._path(kept.id, "json"))
            self._kept[kept.id] = kept
        return kept

    def newest_first(self) -> Sequence[Kept]:
        with self._lock:
            return sorted(self._kept.values(), key=lambda kept: kept.id, reverse=True)

    def find(self, mail_id: str) -> tuple[Kept, bytes] | None:
        with self._lock:
            kept = self._kept.get(mail_id)
            return (kept, self._path(mail_id, "eml").read_bytes()) if kept else None

    def clear(self) -> None:
        with self._lock:
            for mail_id in self._kept:
                self._path(mail_id, "json").unlink(missing_ok=True)
                self._path(mail_id, "eml").unlink(missing_ok=True)
            self._kept.clear()

    def _path(self, mail_id: str, kind: str) -> Path:
        return self._folder / f"{mail_id}.{kind}"


def header(raw: bytes, name: str) -> str:
    """The first header of this name as a person reads it (RFC 2047); what cannot be decoded is shown as it stands."""
    return readable(BytesHeaderParser().parsebytes(raw[:_HEADER_LIMIT]).get(name, ""))


def readable(value: object) -> str:
    """One header value on one line, encoded words decoded where they can be."""
    plain = " ".join(str(value).split())
    try:
        return str(make_header(decode_header(plain)))
    except (email.errors.HeaderParseError, LookupError, ValueError):
        return plain


_HEADER_LIMIT = 131_072
"""Octets in which a header is looked for."""


def _load(path: Path) -> Kept:
    fields = json.loads(path.read_text())
    if "header_from" not in fields:  # it was kept before the list showed it
        fields["header_from"] = header(path.with_suffix(".eml").read_bytes(), "From")
    return Kept(**fields | {"rcpt_to": tuple(fields["rcpt_to"])})

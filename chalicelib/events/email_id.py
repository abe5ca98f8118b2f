"""Email ids: UUIDv7 (RFC 9562 §5.7), which carry their moment, so that an id alone finds its partition."""

import secrets
from datetime import UTC, datetime
from uuid import UUID


def new(now: float) -> UUID:
    """`now` in epoch seconds; 48 bits of milliseconds, 74 random bits."""
    milliseconds = int(now * 1000) & ((1 << 48) - 1)
    random = secrets.randbits(74)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & ((1 << 62) - 1))


def parse(text: str) -> UUID | None:
    """None for whatever cannot be an id of ours, however it is spelt."""
    try:
        parsed = UUID(text)
    except ValueError:
        return None
    return parsed if parsed.version == 7 and str(parsed) == text.lower() else None


def milliseconds(email_id: UUID) -> int:
    """Since the epoch."""
    return email_id.int >> 80


def moment(email_id: UUID) -> datetime:
    return datetime.fromtimestamp(milliseconds(email_id) / 1000, UTC)


def partition(account_id: str, email_id: UUID) -> str:
    """`account#yyyymmdd#shard`: a day of an account in 16 shards, by the last hex digit (docs/keys.md)."""
    return f"{account_id}#{day(email_id)}#{email_id.hex[-1]}"


def day(email_id: UUID) -> str:
    """yyyymmdd, UTC; years beyond 9999, which only a forged id names, are no day at all."""
    try:
        return moment(email_id).strftime("%Y%m%d")
    except (OverflowError, ValueError, OSError):
        return "00000000"

"""What a refusal (4yz, 5yz) is about and what it says about the recipient, for live replies and for DSNs alike. Pure.

The words are in `refusals.toml`, for a postmaster to read and to add to; the order of evidence, and what may keep
mail from a recipient, are here. Only "the mailbox does not exist" ever may. A code alone proves little: servers put
5.1.1 on their spam verdicts and "user unknown" on checks of *our* address, so everything else has a veto.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib.mail.reply import Reply, Stage


@unique
class BounceType(StrEnum):
    HARD = "hard"
    """The mailbox does not exist. The only one that suppresses the recipient."""
    SOFT = "soft"
    """It could not be delivered there: full, too large, not convertible, or for no reason that is told."""
    BLOCK = "block"
    """They refuse us or what we sent: policy, reputation, content, relaying, authentication."""


@unique
class Cause(StrEnum):
    """What a refusal is about: the class that the table gives it."""

    RECIPIENT = "recipient"
    """The mailbox: it does not exist, is disabled, has moved."""
    FULL = "full"
    """The mailbox has no room."""
    CONTENT = "content"
    """What we sent: spam, viruses, size, form."""
    REPUTATION = "reputation"
    """Who we are: an address or a domain is listed, blocked, or sends too much."""
    AUTHENTICATION = "authentication"
    """Who we claim to be: SPF, DKIM, DMARC, the name of our address."""
    POLICY = "policy"
    """What they take at all: relaying, TLS, the sender, patience."""
    INFRASTRUCTURE = "infrastructure"
    """Something is broken, with them or between us."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`reason` is the name of the group of the table that decided, for people."""

    cause: Cause
    reason: str
    bounce_type: BounceType


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group of the table. `bounce_type` hard: its phrases prove a hard bounce where `_is_hard` lets them."""

    name: str
    cause: Cause
    bounce_type: BounceType
    phrases: tuple[str, ...] = ()
    enhanced: tuple[str, ...] = ()
    basic: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`enhanced` by "5.1.1", "1.1" (both 4 and 5) or "7" (all of a subject); `basic` by "550 rcpt" or "550"."""

    groups: tuple[Group, ...]
    enhanced: Mapping[str, Group]
    basic: Mapping[str, Group]


_TABLE = Path(__file__).with_name("refusals.toml")
_SPAN = 40
"""How many characters a `*` may stand for: bounded, so that reading takes time in proportion."""
_BLOCKS = frozenset({Cause.CONTENT, Cause.REPUTATION, Cause.AUTHENTICATION, Cause.POLICY})
_UNTOLD = Group(name="nothing told", cause=Cause.UNKNOWN, bounce_type=BounceType.SOFT)

_BEFORE_THE_RECIPIENT = frozenset({Stage.CONNECT, Stage.BANNER, Stage.EHLO, Stage.STARTTLS, Stage.MAIL})
_NO_MAILBOX = frozenset({"5.1.1", "5.1.6", "5.1.10", "5.2.1"})
"""RFC 3463 §3.2 and §3.3, RFC 7505 §4.2."""
_LEFT_TO_THE_TEXT = frozenset({None, "5.0.0", "5.1.0", "5.2.0", "5.3.0", "5.4.1", "5.5.0"})


def bounce_type(reply: Reply, stage: Stage) -> BounceType:
    """`read`, for who asks no more than that."""
    return read(reply, stage).bounce_type


def read(reply: Reply, stage: Stage) -> Reading:
    """How to read a refusal; a DSN quotes what was said at RCPT, unless it says otherwise."""
    group = _deciding(reply, stage)
    bounced = group.bounce_type
    if group.cause is Cause.RECIPIENT:
        bounced = BounceType.HARD if _is_hard(group, reply, stage) else BounceType.SOFT
    return Reading(cause=group.cause, reason=group.name, bounce_type=bounced)


def _deciding(reply: Reply, stage: Stage) -> Group:
    """Words about us or what we sent come first, then the enhanced code, then words about the mailbox, then the
    basic code with the stage: what has a veto stands before what it may forbid.
    """
    words = normal(without_addresses(reply.text))
    said = [group for group in table().groups if any(found(phrase, words) for phrase in group.phrases)]
    evidence = [
        *(group for group in said if group.cause is not Cause.RECIPIENT),
        *_listed(table().enhanced, _enhanced_keys(reply.enhanced)),
        *(group for group in said if group.cause is Cause.RECIPIENT),
        *_listed(table().basic, (f"{reply.code} {stage}", f"{reply.code}")),
        _UNTOLD,
    ]
    may_be_the_recipient = stage not in _BEFORE_THE_RECIPIENT
    return next(group for group in evidence if may_be_the_recipient or group.cause is not Cause.RECIPIENT)


def _is_hard(group: Group, reply: Reply, stage: Stage) -> bool:
    """Whether a refusal that is about the recipient proves that there is no such mailbox."""
    if reply.code < 500:
        return False
    told = stage is Stage.RCPT and reply.code == 550 and reply.enhanced in _LEFT_TO_THE_TEXT
    return reply.enhanced in _NO_MAILBOX or (told and group.bounce_type is BounceType.HARD)


def _enhanced_keys(enhanced: str | None) -> tuple[str, ...]:
    if enhanced is None:
        return ()
    without_class = enhanced[2:]
    return enhanced, without_class, without_class.partition(".")[0]


def _listed(groups: Mapping[str, Group], keys: tuple[str, ...]) -> list[Group]:
    return [groups[key] for key in keys if key in groups]


def found(phrase: str, words: str) -> bool:
    """Whether a phrase of the table stands in a normal text, as whole words.

    Looking for its literal parts first is fast, and leaves almost no pattern to be compiled.
    """
    return all(part in words for part in phrase.split("*")) and bool(pattern(phrase).search(words))


@cache
def pattern(phrase: str) -> re.Pattern[str]:
    """`*` between words stands for up to 40 characters; at an end it leaves the word open there."""
    inner = phrase.strip("*")
    start = r"\b" if inner[0].isalnum() and inner[0] == phrase[0] else ""
    end = r"\b" if inner[-1].isalnum() and inner[-1] == phrase[-1] else ""
    between = f".{{0,{_SPAN}}}?"
    return re.compile(start + between.join(re.escape(part) for part in inner.split("*")) + end)


def without_addresses(text: str) -> str:
    """<spam@listed.example> is no verdict."""
    return " ".join(word for word in text.split() if "@" not in word)


def normal(text: str) -> str:
    """Lower case, one space between words, hyphens as spaces: what phrases and replies are compared in."""
    return " ".join(text.lower().replace("-", " ").replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())


@cache
def table() -> Table:
    """Read at the first refusal; KeyError or ValueError when the file is not in order."""
    told = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    groups = tuple(_group(entry) for entry in told["group"])
    return Table(
        groups=groups,
        enhanced={code: group for group in groups for code in group.enhanced},
        basic={code: group for group in groups for code in group.basic},
    )


def _group(entry: Mapping[str, Any]) -> Group:
    cause = Cause(entry["class"])
    usual = BounceType.BLOCK if cause in _BLOCKS else BounceType.SOFT
    return Group(
        name=entry["name"],
        cause=cause,
        bounce_type=BounceType(entry.get("bounce", usual)),
        phrases=tuple(normal(phrase) for phrase in entry.get("phrases", ())),
        enhanced=tuple(entry.get("enhanced", ())),
        basic=tuple(entry.get("basic", ())),
    )

"""What a permanent refusal (5yz) says about the recipient, for live replies and for DSNs alike. Pure tables.

Only "the mailbox does not exist" may ever keep mail from a recipient. A code alone proves little: servers
put 5.1.1 on their spam verdicts and "user unknown" on checks of *our* address, so the text has a veto.
"""

import re
from enum import StrEnum, unique

from chalicelib.mail.reply import Reply, Stage


@unique
class BounceType(StrEnum):
    HARD = "hard"
    """The mailbox does not exist. The only one that suppresses the recipient."""
    SOFT = "soft"
    """It could not be delivered there: full, too large, not convertible, or for no reason that is told."""
    BLOCK = "block"
    """They refuse us or what we sent: policy, reputation, content, relaying, authentication."""


_NO_MAILBOX = frozenset({"5.1.1", "5.1.6", "5.1.10", "5.2.1"})
"""RFC 3463 §3.2 and §3.3, RFC 7505 §4.2."""
_UNTOLD = frozenset({None, "5.0.0", "5.1.0", "5.2.0", "5.3.0", "5.4.1", "5.5.0"})
"""Codes that leave it to the text."""
_BLOCKED = frozenset({"5.1.7", "5.1.8"})
"""They do not like our address (RFC 3463 §3.2). Besides these: all of 5.7, security and policy."""

_USER_UNKNOWN = re.compile(
    r"""\b(?:
    (?:user|recipient|mailbox|account|address) [ ] (?:is [ ])? (?:unknown|not [ ] found|not [ ] known)
    | unknown [ ] (?:user|recipient|mailbox|account|local [ -]? part)
    | no [ ] such [ ] (?:user|recipient|mailbox|account|person)
    | (?:user|recipient|mailbox|account) [ ] (?:does [ ] not|doesn't|do [ ] not) [ ] exist
    | (?:invalid|non-?existent) [ ] (?:recipient|mailbox|user)
    | no [ ] mailbox [ ] (?:here|by)
    | not [ ] a [ ] (?:known|valid) [ ] (?:user|recipient|mailbox)
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)
_NOT_ABOUT_THE_MAILBOX = re.compile(
    r"""\b(?:
    sender | verification [ ] failed | callout
    | spam\w* | spf | dkim | dmarc | rbl | dnsbl | reputation | polic(?:y|ies) | virus
    | black [ -]? list\w* | block [ -]? list\w* | block(?:ed|ing)? | listed | banned
    | relaying | relay [ ] (?:access|denied|not) | authenticat\w*
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)


def bounce_type(reply: Reply, stage: Stage) -> BounceType:
    """How to read a 5yz reply; a DSN quotes what was said at RCPT, unless it says otherwise."""
    text = " ".join(word for word in reply.text.split() if "@" not in word)
    if _NOT_ABOUT_THE_MAILBOX.search(text) or reply.enhanced in _BLOCKED or (reply.enhanced or "").startswith("5.7."):
        return BounceType.BLOCK
    if stage is Stage.MAIL:
        return BounceType.SOFT
    if reply.enhanced in _NO_MAILBOX:
        return BounceType.HARD
    told = stage is Stage.RCPT and reply.code == 550 and reply.enhanced in _UNTOLD
    return BounceType.HARD if told and _USER_UNKNOWN.search(text) else BounceType.SOFT

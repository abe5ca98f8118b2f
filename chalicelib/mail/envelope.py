"""The envelope of RFC 5321: what is said with MAIL FROM and RCPT TO, apart from what the header says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One reverse path and one recipient, without angle brackets; domains are A-labels.

    One recipient, because each delivery has a return path of its own.
    """

    mail_from: str
    rcpt_to: str

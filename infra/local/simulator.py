"""How the addresses at simulator.test behave: one line each, for trying what real recipients do.

    bounce@     550 5.1.1 at RCPT: there is no such mailbox
    defer@      451 4.2.1 at RCPT, always
    greylist@   450 4.7.1 to a sender's first try, then accepted
    slow@       accepted, five seconds after the final dot

Any other address there takes the mail and keeps it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

_BOUNCED = "550 5.1.1 <{address}>: no such mailbox here"
_DEFERRED = "451 4.2.1 <{address}>: mailbox not available now, try again later"
_GREYLISTED = "450 4.7.1 <{address}>: greylisted, try again later"

_REFUSALS: Mapping[str, str] = {"bounce": _BOUNCED, "defer": _DEFERRED}
_PAUSES: Mapping[str, float] = {"slow": 5.0}


@dataclass(slots=True, kw_only=True)
class Simulator:
    """`pauses` in seconds by local part; `seen` remembers whom greylist@ has put off before."""

    pauses: Mapping[str, float] = field(default_factory=lambda: _PAUSES)
    seen: set[tuple[str, str]] = field(default_factory=set)

    def refusal(self, mail_from: str, address: str) -> str | None:
        """What RCPT is answered with; None where the recipient is accepted."""
        local = _local_part(address)
        if local == "greylist" and (mail_from, address.lower()) not in self.seen:
            self.seen.add((mail_from, address.lower()))
            return _GREYLISTED.format(address=address)
        refusal = _REFUSALS.get(local)
        return refusal and refusal.format(address=address)

    def pause(self, address: str) -> float:
        return self.pauses.get(_local_part(address), 0.0)


def _local_part(address: str) -> str:
    """bounce+anything@ behaves like bounce@, so that many recipients can share a behaviour."""
    return address.rpartition("@")[0].lower().partition("+")[0]

"""How an attempt ended, as a value: delivered, deferred, bounced, or unknown. Pure.

A 4yz reply, a link that breaks and a server that does not answer are all "later". So is a 5yz before MAIL:
it speaks of that server, or of us, and not of this mail (RFC 5321 §3.1, RFC 7504 §4), the next server may
take it, and listings of our address are lifted; to bounce would charge the recipient with it.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, TypedDict

from chalicelib.events.delivery import REPLY_OCTETS
from chalicelib.mail import refusal
from chalicelib.mail.refusal import BounceType
from chalicelib.mail.reply import Answer, Reply, Stage
from chalicelib.outbound.routing import Unroutable

_ABOUT_THE_MAIL = frozenset({Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """`reply` is what the server said, cut to what is kept; `error` our words where it said nothing.

    Both: we refused in its place, before speaking of this mail. `server` is None where there was none to ask.
    """

    word: ClassVar[str]
    stage: Stage
    server: str | None
    reply: Reply | None
    error: str | None = None
    tls: str | None = None

    def __str__(self) -> str:
        where = f" by {self.server}" if self.server else ""
        return f"{self.summary}{where} at {self.stage}: {self.reply or self.error}"

    @property
    def summary(self) -> str:
        return self.word


class Delivered(_Ended):
    """The server took it over: 2yz to the final dot."""

    __slots__ = ()
    word = "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred(_Ended):
    """Not taken, and it may be later. `elsewhere`: another server of the route may take it right now."""

    word = "deferred"
    elsewhere: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounced(_Ended):
    """Refused for good."""

    word = "bounced"
    bounce_type: BounceType

    @property
    def summary(self) -> str:
        return f"{self.word} ({self.bounce_type})"


class Unknown(_Ended):
    """The link broke after the final dot: taken or not, nobody can tell (RFC 1047). Tried again, and marked."""

    __slots__ = ()
    word = "unknown"


Outcome = Delivered | Deferred | Bounced | Unknown


class _Facts(TypedDict):
    stage: Stage
    server: str | None
    reply: Reply | None
    error: str | None
    tls: str | None


def read(answer: Answer, server_host: str) -> Outcome:
    """How the attempt ended in which `server_host` answered so, or did not."""
    stage, reply, code = answer.stage, answer.reply, answer.reply.code if answer.reply else 0
    facts = _Facts(
        stage=stage, server=server_host, reply=kept(reply) if reply else None, error=answer.error, tls=answer.tls
    )
    if reply and code >= 500 and stage in _ABOUT_THE_MAIL:
        return Bounced(**facts, bounce_type=refusal.bounce_type(reply, stage))
    if stage is Stage.DOT and code < 400:
        return Delivered(**facts) if 200 <= code < 300 else Unknown(**facts)
    return Deferred(**facts, elsewhere=stage not in _ABOUT_THE_MAIL or reply is None)


def unrouted(problem: Unroutable) -> Deferred | Bounced:
    """An attempt that ended before there was a server to speak to: `reply` and `error` are both ours."""
    reply = Reply(code=550 if problem.permanent else 451, enhanced=problem.enhanced, text=problem.text)
    facts = _Facts(stage=Stage.CONNECT, server=None, reply=kept(reply), error=problem.text, tls=None)
    if problem.permanent:
        return Bounced(**facts, bounce_type=refusal.bounce_type(reply, Stage.RCPT))
    return Deferred(**facts, elsewhere=False)


def unsigned(domain: str) -> Deferred:
    """An attempt that ended before anybody was asked: mail that nobody vouches for is not sent."""
    error = f"{domain} may not send at the moment, or has no DKIM key"
    return Deferred(stage=Stage.CONNECT, server=None, reply=None, error=error, elsewhere=False)


def kept(reply: Reply) -> Reply:
    """As much of a reply as is remembered: written out it has at most 300 octets."""
    room = REPLY_OCTETS - len(str(replace(reply, text="-"))) + 1
    return replace(reply, text=reply.text.encode()[:room].decode(errors="ignore"))

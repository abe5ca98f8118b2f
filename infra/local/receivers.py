"""The receiving mail server of the simulated internet: the MX of inbox.test and of simulator.test.

It offers STARTTLS and keeps every mail exactly as its octets came, after dot-unstuffing (RFC 5321 §4.5.2).
It relays for nobody, and says 250 only once the mail is on disk.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from aiosmtpd.smtp import SMTP, Session
from aiosmtpd.smtp import Envelope as Transaction

from infra.local import certificate
from infra.local.mailbox import Envelope, Mailbox
from infra.local.simulator import Simulator

HOST_NAME = "mx.inbox.test"
_NAMES = (HOST_NAME, "mx.simulator.test")
_SIZE_LIMIT = 67_108_864
"""Octets on the wire: more than the largest mail that we send, with all its dots stuffed."""
_NOT_OURS = "550 5.7.1 <{address}>: relaying denied"
_EXTENSIONS = ["250-PIPELINING", "250-ENHANCEDSTATUSCODES", "250 HELP"]


@asynccontextmanager
async def serving(receiver: "Receiver", state: Path, port: int, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Receive until the block ends; yields the port, which the system chooses for 0."""
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    loop = asyncio.get_running_loop()
    context = certificate.context(state, _NAMES)
    server = await loop.create_server(lambda: _session(receiver, context, loop), host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def _session(receiver: "Receiver", context: ssl.SSLContext, loop: asyncio.AbstractEventLoop) -> SMTP:
    return SMTP(
        receiver.hooks(),
        data_size_limit=_SIZE_LIMIT,
        enable_SMTPUTF8=True,
        hostname=HOST_NAME,
        ident="local receiver",
        tls_context=context,
        loop=loop,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """What this server decides, at each command where there is something to decide."""

    mailbox: Mailbox
    simulator: Simulator = field(default_factory=Simulator)

    def hooks(self) -> SimpleNamespace:
        """By the names that aiosmtpd looks for; a hook that it does not find loses the mail with a 250."""
        return SimpleNamespace(
            handle_EHLO=self.greet,
            handle_RCPT=self.recipient,
            handle_DATA=self.content,
            handle_exception=self.surprise,
        )

    async def greet(
        self, _server: SMTP, session: Session, _: Transaction, hostname: str, responses: list[str]
    ) -> list[str]:
        """AUTH is for submission, not for an MX (RFC 4954 §1); what aiosmtpd can do but does not say is said."""
        session.host_name = hostname
        return [line for line in responses if not line.startswith(("250-AUTH", "250 "))] + _EXTENSIONS

    async def recipient(
        self, _server: SMTP, _session: Session, envelope: Transaction, address: str, _options: list[str]
    ) -> str:
        refusal = self._refusal(_reverse_path(envelope), address)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 recipient ok"

    async def content(self, _server: SMTP, session: Session, envelope: Transaction) -> str:
        arrived = Envelope(
            mail_from=_reverse_path(envelope), rcpt_to=tuple(envelope.rcpt_tos), tls=session.ssl is not None
        )
        kept = self.mailbox.keep(arrived, envelope.original_content or b"")
        await asyncio.sleep(max(map(self.simulator.pause, arrived.rcpt_to)))
        return f"250 2.0.0 kept as {kept.id}"

    async def surprise(self, _error: Exception) -> str:
        """A surprise of ours is temporary, and none of the peer's business."""
        return "451 4.3.0 something went wrong here, try again later"

    def _refusal(self, mail_from: str, address: str) -> str | None:
        domain = address.rpartition("@")[2].lower()
        if domain == "inbox.test":
            return None
        if domain == "simulator.test":
            return self.simulator.refusal(mail_from, address)
        return _NOT_OURS.format(address=address)


def _reverse_path(envelope: Transaction) -> str:
    """The null reverse path comes from aiosmtpd as "<>"."""
    return "" if envelope.mail_from in (None, "<>") else str(envelope.mail_from)

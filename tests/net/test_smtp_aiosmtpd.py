"""The client against a mail server that somebody else wrote."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Session
from aiosmtpd.smtp import Envelope as Received

from chalicelib.mail.envelope import Envelope
from chalicelib.mail.hosts import Server
from chalicelib.mail.reply import Stage
from chalicelib.net.smtp import Connection, Timeouts
from infra.local import background

pytestmark = pytest.mark.sockets

MESSAGE = "Subject: dots\r\n\r\n.\r\n..\r\nGrüße\r\n.end\r\n".encode()


class Inbox:
    def __init__(self, *, pipelining: bool) -> None:
        self.received: list[Received] = []
        self._pipelining = pipelining

    async def handle_EHLO(  # noqa: N802  (aiosmtpd finds its hooks by these names)
        self, server: SMTP, session: Session, envelope: Received, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]] if self._pipelining else responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Received, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Received) -> str:  # noqa: N802
        self.received.append(envelope)
        return "250 2.0.0 kept"


@asynccontextmanager
async def serving(inbox: Inbox, certificate: Path) -> AsyncIterator[Server]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    async with await loop.create_server(
        lambda: SMTP(inbox, tls_context=tls, enable_SMTPUTF8=True), "127.0.0.1", 0
    ) as server:
        yield Server(host="mx.inbox.test", address="127.0.0.1", port=server.sockets[0].getsockname()[1])


@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize("starttls", [False, True])
def test_aiosmtpd_takes_what_we_send_and_goes_on_after_a_refusal(
    certificate: Path, pipelining: bool, starttls: bool
) -> None:
    inbox = Inbox(pipelining=pipelining)
    with background.held(serving(inbox, certificate)) as server:
        connection = Connection.open(server, ehlo_name="out.postscale.test", timeouts=Timeouts(), starttls=starttls)
        assert isinstance(connection, Connection)
        answers = [
            connection.deliver(Envelope(mail_from="b-1@ps-bounces.acme.test", rcpt_to=address), MESSAGE)
            for address in ("jane@inbox.test", "nobody@inbox.test", "jürgen@inbox.test")
        ]
        assert connection.usable
        connection.close()
    assert [answer.stage for answer in answers] == [Stage.DOT, Stage.RCPT, Stage.DOT]
    assert [str(answer.reply) for answer in answers] == ["250 2.0.0 kept", "550 5.1.1 no such user", "250 2.0.0 kept"]
    assert {answer.tls for answer in answers} == {"TLSv1.3" if starttls else None}
    assert [envelope.original_content for envelope in inbox.received] == [MESSAGE, MESSAGE]
    assert [envelope.rcpt_tos for envelope in inbox.received] == [["jane@inbox.test"], ["jürgen@inbox.test"]]

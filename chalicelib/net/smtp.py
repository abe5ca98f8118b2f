"""Speaking SMTP to one server (RFC 5321), with PIPELINING (RFC 2920) and opportunistic STARTTLS (RFC 3207).

`Connection.open`, then `deliver` as often as `usable` says so, then `close`. Envelope and content leave in
one write each. Whatever a server does is an `Answer`; only what we did wrong is raised.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from chalicelib.mail import reply as replies
from chalicelib.mail.envelope import Envelope
from chalicelib.mail.hosts import Server
from chalicelib.mail.reply import Answer, Stage
from chalicelib.net import transaction
from chalicelib.net.link import Broken, Link, Timeouts
from chalicelib.net.transaction import Offer

__all__ = ["Connection", "Timeouts"]

_CLOSING = 421
"""The server hangs up after this one, whatever was asked (RFC 5321 §3.8)."""
_GOOD = {Stage.MAIL: "2", Stage.RCPT: "2", Stage.DATA: "354"}
"""How the reply begins that lets the transaction go on."""


class Connection:
    """One SMTP session, for one thread."""

    def __init__(self, link: Link, ehlo_name: str, timeouts: Timeouts) -> None:
        self._link = link
        self._ehlo_name = ehlo_name
        self._timeouts = timeouts
        self._offer = Offer()
        self._unfinished = False

    @classmethod
    def open(cls, server: Server, *, ehlo_name: str, timeouts: Timeouts, starttls: bool = True) -> Self | Answer:
        """A session that is ready for mail, or how far it came.

        TLS is used where it is offered. Where it then fails, the answer's stage is STARTTLS, and
        the caller may try again in clear with `starttls=False`.
        """
        try:
            link = Link.connect(server.address, server.port, timeouts)
        except Broken as broken:
            return Answer(stage=Stage.CONNECT, reply=None, error=broken.message)
        connection = cls(link, ehlo_name, timeouts)
        failed = connection._begin(server.host, starttls)
        if failed:
            connection.close()
            return failed
        return connection

    @property
    def usable(self) -> bool:
        """Whether another transaction can begin, with time left to wait for an answer."""
        return self._link.quiet and self._link.seconds_left >= self._timeouts.command

    def deliver(self, envelope: Envelope, message: bytes) -> Answer:
        """Hand over one message; it was taken if, and only if, the answer is a 2xx reply at stage DOT.

        An answer with both a reply and an error is our own refusal: the server lacks what the message
        needs, and nothing was said to it. ValueError, before anything is sent, for a message that
        is not in CRLF lines and for addresses that do not fit into a command.
        """
        content = transaction.content(message)
        commands = transaction.commands(envelope, message, self._offer)
        refusal = transaction.refusal(envelope, message, self._offer)
        if refusal:
            return replace(refusal, tls=self._link.tls)
        answer = self._clear() or self._announce(commands)
        if answer.stage is Stage.DATA and _says(answer, "354"):
            stage = Stage.DOT if self._link.send(content, self._timeouts.command) else Stage.DATA
            answer, _ = self._read(stage, self._timeouts.final)
        self._unfinished = answer.stage in (Stage.RCPT, Stage.DATA)
        if not _settled(answer):
            self._link.close()
        return answer

    def close(self) -> None:
        """Say QUIT where that makes sense, and hang up without waiting for the answer."""
        if self._link.quiet:
            self._link.send(b"QUIT\r\n", within=1.0)
        self._link.close()

    def _begin(self, host: str, starttls: bool) -> Answer | None:
        banner = self._hear(Stage.BANNER)
        if not _says(banner, "220"):
            return banner
        failed = self._introduce(Stage.EHLO)
        if failed or not starttls or "STARTTLS" not in self._offer.keywords:
            return failed
        return self._secure(host)

    def _introduce(self, stage: Stage) -> Answer | None:
        """EHLO, or HELO to a server that does not know it (RFC 5321 §3.2); None when that went well."""
        answer, lines = self._ask(stage, f"EHLO {self._ehlo_name}\r\n".encode())
        self._offer = transaction.offer(lines)
        if _says(answer, "5"):
            answer, _ = self._ask(stage, f"HELO {self._ehlo_name}\r\n".encode())
            self._offer = Offer()
        return None if _says(answer, "250") else answer

    def _secure(self, host: str) -> Answer | None:
        answer, _ = self._ask(Stage.STARTTLS, b"STARTTLS\r\n")
        if not _says(answer, "220"):
            return answer
        try:
            self._link.start_tls(host, self._timeouts.command)
        except Broken as broken:
            return Answer(stage=Stage.STARTTLS, reply=None, error=broken.message)
        return self._introduce(Stage.STARTTLS)

    def _clear(self) -> Answer | None:
        """RSET where a refused transaction may still stand. A server that refuses RSET refuses no message."""
        if not self._unfinished:
            return None
        answer, _ = self._ask(Stage.MAIL, b"RSET\r\n")
        return (
            None if _says(answer, "2") else replace(answer, reply=None, error=f"RSET: {answer.error or answer.reply}")
        )

    def _announce(self, commands: Sequence[tuple[Stage, bytes]]) -> Answer:
        """The 354 to DATA, or the first reply that keeps us from it."""
        if "PIPELINING" in self._offer.keywords:
            return self._announce_at_once(commands)
        for stage, command in commands:
            answer, _ = self._ask(stage, command)
            if not _says(answer, _GOOD[stage]):
                break
        return answer

    def _announce_at_once(self, commands: Sequence[tuple[Stage, bytes]]) -> Answer:
        self._link.send(b"".join(command for _, command in commands), self._timeouts.command)
        answers: list[Answer] = []
        for stage, _ in commands:
            answers.append(self._hear(stage))
            if self._link.closed:
                break
        refused = [answer for answer in answers if not _says(answer, _GOOD[answer.stage])]
        if refused and _says(answers[-1], "354"):
            self._send_nothing(refused)
        return refused[0] if refused else answers[-1]

    def _send_nothing(self, refused: Sequence[Answer]) -> None:
        """The server waits for content that nobody shall get (RFC 2920 §3.1).

        A lone dot ends it, unless the server has taken the recipient, who would be sent an empty message.
        """
        if not any(answer.stage is Stage.RCPT for answer in refused):
            self._link.close()
        elif self._link.send(transaction.END, self._timeouts.command):
            self._hear(Stage.DOT)

    def _ask(self, stage: Stage, command: bytes) -> tuple[Answer, list[str]]:
        self._link.send(command, self._timeouts.command)
        return self._read(stage, self._timeouts.command)

    def _hear(self, stage: Stage) -> Answer:
        return self._read(stage, self._timeouts.command)[0]

    def _read(self, stage: Stage, within: float) -> tuple[Answer, list[str]]:
        """What the server says, as read and as written."""
        try:
            lines = self._link.read_reply(within)
        except Broken as broken:
            return Answer(stage=stage, reply=None, error=broken.message, tls=self._link.tls), []
        reply = replies.parse(lines)
        if reply.code == _CLOSING:
            self._link.close()
        return Answer(stage=stage, reply=reply, tls=self._link.tls), lines


def _says(answer: Answer, beginning: str) -> bool:
    return answer.reply is not None and str(answer.reply.code).startswith(beginning)


def _settled(answer: Answer) -> bool:
    """Both sides know how the transaction ended, so that another one can follow."""
    return answer.reply is not None and (
        answer.reply.code >= 400 or (answer.stage is Stage.DOT and answer.reply.code < 300)
    )

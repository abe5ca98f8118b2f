"""A mail server that takes everything and keeps nothing (RFC 5321, with STARTTLS and PIPELINING).

With a pace it lets the client wait as a distant server would: a round trip for the TCP handshake, for the
greeting, for each group of commands that came together and for the TLS handshake, and the time that
servers think after the final dot.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

_END = b"\r\n.\r\n"
_EXTENSIONS = ("PIPELINING", "8BITMIME", "SIZE 52428800", "ENHANCEDSTATUSCODES", "SMTPUTF8")
_ANSWERS: Mapping[bytes, bytes] = {
    b"MAIL": b"250 2.1.0 Sender OK\r\n",
    b"RCPT": b"250 2.1.5 Recipient OK\r\n",
    b"DATA": b"354 Go ahead\r\n",
    b"RSET": b"250 2.0.0 OK\r\n",
    b"STAR": b"220 2.0.0 Ready to start TLS\r\n",
}
_TAKEN = b"250 2.0.0 OK 1763726400 4fb4d7f45d1cf-62345a9b1c5si1234567a12.345 - accepted for delivery\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds."""

    round_trip: float = 0.0
    after_the_dot: float = 0.0


@dataclass(slots=True, kw_only=True)
class Seen:
    """What went over all connections, as text: octets of TLS and TCP come on top."""

    connections: int = 0
    messages: int = 0
    octets_in: int = 0
    octets_out: int = 0


class Sink:
    def __init__(self, tls: ssl.SSLContext, pace: Pace) -> None:
        self.seen = Seen()
        self._tls = tls
        self._pace = pace

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen.connections += 1
        try:
            await asyncio.sleep(2 * self._pace.round_trip)
            self._write(writer, b"220 mx.example.test ESMTP\r\n")
            while said := await reader.read(65536):
                if not await self._answer(said, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # hung up on us, which is how clients leave
        finally:
            writer.close()

    async def _answer(self, said: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """To all commands that came together; False after QUIT."""
        self.seen.octets_in += len(said)
        verbs = [line[:4].upper() for line in said.split(b"\r\n") if line]
        if b"QUIT" in verbs:
            return False
        await asyncio.sleep(self._pace.round_trip)
        secured = writer.get_extra_info("ssl_object") is not None
        self._write(writer, b"".join(_ANSWERS.get(verb, _offer(secured)) for verb in verbs))
        if b"STAR" in verbs:
            await writer.start_tls(self._tls)
            await asyncio.sleep(self._pace.round_trip)  # that of the handshake; what comes next waits for it
        if b"DATA" in verbs:
            await self._take(reader, writer)
        return True

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        content = await reader.readuntil(_END)
        self.seen.octets_in += len(content)
        self.seen.messages += 1
        await asyncio.sleep(self._pace.round_trip + self._pace.after_the_dot)
        self._write(writer, _TAKEN)

    def _write(self, writer: asyncio.StreamWriter, answer: bytes) -> None:
        self.seen.octets_out += len(answer)
        writer.write(answer)


def _offer(secured: bool) -> bytes:
    words = ["mx.example.test", *_EXTENSIONS, *(() if secured else ("STARTTLS",))]
    return b"".join(b"250%s%s\r\n" % (b" " if word is words[-1] else b"-", word.encode()) for word in words)

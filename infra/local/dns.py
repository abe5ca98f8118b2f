"""The authoritative DNS server of the simulated internet, over UDP and TCP (RFC 1035 §4.2, RFC 7766).

It knows every name there is, so what is not in the zone file does not exist. The file is read again when
it has changed; while it cannot be read, the last good one stands.
"""

import asyncio
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
from dns.rdataclass import IN
from dns.rdatatype import AXFR, IXFR

from infra.local import records

_PLAIN_UDP = 512
"""What fits into a datagram when the client says nothing else by EDNS (RFC 1035 §4.2.1)."""
_IDLE = 10


class Zone:
    """The zone file and what was last read from it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._look()
        self._records = records.read(path.read_text())

    def current(self) -> records.Records:
        with suppress(FileNotFoundError):
            stamp = self._look()
            if stamp != self._stamp:
                self._stamp = stamp
                self._read_again()
        return self._records

    def _look(self) -> tuple[int, int, int]:
        state = self._path.stat()
        return state.st_mtime_ns, state.st_size, state.st_ino

    def _read_again(self) -> None:
        try:
            self._records = records.read(self._path.read_text())
        except (dns.exception.DNSException, ValueError) as failure:
            print(f"dns: keeping the former zone, {self._path} has a mistake: {failure}", file=sys.stderr)


@asynccontextmanager
async def serving(zone_file: Path, port: int, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Answer until the block ends; yields the port, which the system chooses for 0."""
    zone = Zone(zone_file)
    server = await asyncio.start_server(lambda reader, writer: _converse(zone, reader, writer), host, port)
    chosen: int = server.sockets[0].getsockname()[1]
    try:
        loop = asyncio.get_running_loop()
        datagrams, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(zone), (host, chosen))
        try:
            yield chosen
        finally:
            datagrams.close()
    finally:
        server.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        wire = _reply(self._zone, data, over_tcp=False)
        if wire:
            self._transport.sendto(wire, addr)


async def _converse(zone: Zone, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Queries of one TCP connection, each with its length before it, until the client has no more."""
    try:
        with suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            while True:
                async with asyncio.timeout(_IDLE):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    data = await reader.readexactly(length)
                wire = _reply(zone, data, over_tcp=True)
                if wire:
                    writer.write(struct.pack("!H", len(wire)) + wire)
                    await writer.drain()
    finally:
        writer.close()


def _reply(zone: Zone, data: bytes, *, over_tcp: bool) -> bytes | None:
    """None for silence: where the zone says so, and for what is no DNS query at all."""
    try:
        query = dns.message.from_wire(data)
    except (dns.exception.DNSException, ValueError):
        return None
    if query.flags & dns.flags.QR:
        return None
    response = _refusal(query) or records.answer(zone.current(), query)
    if response is None:
        return None
    most = 65_535 if over_tcp else max(query.payload, _PLAIN_UDP)
    return _fitting(response, most)


def _refusal(query: dns.message.Message) -> dns.message.Message | None:
    refused: dns.rcode.Rcode | None = None
    if query.opcode() != dns.opcode.QUERY:
        refused = dns.rcode.NOTIMP
    elif len(query.question) != 1:
        refused = dns.rcode.FORMERR
    elif query.question[0].rdclass != IN or query.question[0].rdtype in (AXFR, IXFR):
        refused = dns.rcode.REFUSED
    if refused is None:
        return None
    response = dns.message.make_response(query)
    response.set_rcode(refused)
    return response


def _fitting(response: dns.message.Message, most: int) -> bytes:
    """The reply, or an empty one that asks the client to come by TCP (RFC 2181 §9)."""
    try:
        return response.to_wire(max_size=most)
    except dns.exception.TooBig:
        response.answer.clear()
        response.authority.clear()
        response.flags |= dns.flags.TC
        return response.to_wire()

"""The recipients' side of a measurement in one process: their DNS and their mail servers, on loopback.

`python -m benchmarks.internet [--far]`. With `--far` everything answers as late as the table of waits says,
otherwise at once.
"""

import argparse
import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import cast

from benchmarks import child, prices, traffic
from benchmarks.sink import Pace, Sink
from infra.local import certificate
from infra.local import dns as nameserver

_HOST = "127.0.0.1"
_LARGEST = 1_048_576


class _Relay(asyncio.DatagramProtocol):
    """Passes DNS questions on after a while, and answers at once."""

    def __init__(self, port: int, delay: float) -> None:
        self._port = port
        self._delay = delay
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        task = asyncio.get_running_loop().create_task(self._pass_on(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, question: bytes, client: tuple[str, int]) -> None:
        await asyncio.sleep(self._delay)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes] = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Ear(answer), remote_addr=(_HOST, self._port))
        transport.sendto(question)
        self._transport.sendto(await answer, client)
        transport.close()


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, heard: asyncio.Future[bytes]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, _addr: tuple[str, int]) -> None:
        self._heard.set_result(data)


async def serve(*, far: bool) -> None:
    async with AsyncExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
        zone_file = folder / "zone.txt"
        zone_file.write_text(traffic.zone())
        dns_port = await held.enter_async_context(nameserver.serving(zone_file, 0))
        if far:
            dns_port = await _relayed(dns_port, held)
        pace = Pace(round_trip=prices.ROUND_TRIP, after_the_dot=prices.AFTER_THE_DOT) if far else Pace()
        sink = Sink(certificate.context(folder, ("mx.example.test",)), pace)
        server = await asyncio.start_server(sink.converse, _HOST, 0, limit=_LARGEST, backlog=1024)
        await child.until_asked_to_end({"dns": dns_port, "smtp": server.sockets[0].getsockname()[1]})
        child.tell(asdict(sink.seen))


async def _relayed(port: int, held: AsyncExitStack) -> int:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Relay(port, prices.LOOK_UP), (_HOST, 0))
    held.callback(transport.close)
    chosen: int = transport.get_extra_info("sockname")[1]
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.internet", description="DNS and mail servers.")
    parser.add_argument("--far", action="store_true", help="answer as late as the real ones would")
    asyncio.run(serve(far=parser.parse_args().far))


if __name__ == "__main__":
    main()

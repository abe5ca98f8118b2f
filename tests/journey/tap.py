"""A tap in the line between a worker and what it talks to: it sees every octet, and can act at a chosen one.

It stands outside the worker, so the worker under test is the real one, unchanged. The octets that it acts
on go no further, and the line is cut.
"""

import re
import socket
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place in a dialog: what the worker has said (`asked`), and then what it is answered (`answered`).

    Without `answered` the point is reached before the question goes out; without `asked` at any answer.
    """

    asked: bytes | None = None
    answered: bytes | None = None


@dataclass(slots=True, kw_only=True)
class Tap:
    """Listens on a port of its own for `upstream`; calls `act` once at `point`, if it is armed."""

    upstream: int
    hide: bytes = b"\0"
    """What the worker is not to see in answers, such as an extension; same length, so that sizes hold."""
    point: Point | None = None
    act: Callable[[], None] = lambda: None
    _server: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        port: int = self._server.getsockname()[1]
        return port

    def arm(self, point: Point, act: Callable[[], None]) -> None:
        self.point, self.act = point, act

    def start(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with suppress(OSError):
                server = socket.create_connection(("127.0.0.1", self.upstream))
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line = _Line(self, client, server)
                threading.Thread(target=line.ask, daemon=True).start()
                threading.Thread(target=line.answer, daemon=True).start()


@dataclass(slots=True)
class _Line:
    tap: Tap
    client: socket.socket
    server: socket.socket
    said: bytes = b""
    """What the worker has said since the last answer."""

    def ask(self) -> None:
        with suppress(OSError), closing(self.server):
            while octets := self.client.recv(65536):
                self.said += octets
                point = self.tap.point
                if point and point.asked and not point.answered and re.search(point.asked, self.said, re.DOTALL):
                    self._reached()
                    return
                self.server.sendall(octets)

    def answer(self) -> None:
        with suppress(OSError), closing(self.client):
            while octets := self.server.recv(65536):
                if self._is_answer(octets):
                    self._reached()
                    return
                self.said = b""
                self.client.sendall(octets.replace(self.tap.hide, b"X" * len(self.tap.hide)))

    def _is_answer(self, octets: bytes) -> bool:
        point = self.tap.point
        if point is None or point.answered is None or not re.search(point.answered, octets, re.DOTALL):
            return False
        return point.asked is None or re.search(point.asked, self.said, re.DOTALL) is not None

    def _reached(self) -> None:
        """Once: whoever comes after the act is not interrupted again."""
        self.tap.point = None
        self.tap.act()

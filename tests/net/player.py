"""A mail server on loopback that plays a dialog from a text file, and remembers what it was told.

One line, one step; `---` begins the next connection; `#` and empty lines say nothing.

    C: EHLO out.test     the client says this line (a last * stands for anything) ...
    C-CONTENT            ... or a message: everything up to the lone dot, kept in `contents`
    C-SIPS: 0.8          the server takes 64 KB every 20 ms, for so many seconds
    C-END                the client hangs up, whether with QUIT or without
    S: 250 ok            the server says this line
    S-RAW: 250 ok\n      the same in one write, with Python's escapes and no line end of its own
    S-DRIP: 250 ok       an octet every 20 ms
    S-FLOOD: a           the text, again and again, until the client hangs up
    S-WAIT: 0.2          nothing, for so many seconds
    S-TLS                the TLS handshake
    S-QUIET              the client has said nothing more by now (10 ms)
    S-DROP               the server hangs up
    S-RESET              ... rudely, so that what is under way is lost
"""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from chalicelib.mail.hosts import Server

DIALOGS = Path(__file__).parents[1] / "dialogs"
_PATIENCE = 10.0
_RESET = struct.pack("ii", 1, 0)

Steps = Sequence[tuple[str, str]]


def load(name: str) -> list[Steps]:
    """The dialogs of a file, one for each connection."""
    return [list(_steps(part)) for part in (DIALOGS / f"{name}.txt").read_text().split("\n---\n")]


def _steps(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if line and not line.startswith("#"):
            verb, _, words = line.partition(":")
            yield verb, words.removeprefix(" ")


class Player:
    """Plays in a thread of its own, one connection after the other. `finish` tells what went wrong."""

    def __init__(self, dialogs: Sequence[Steps], certificate: Path, address: str) -> None:
        self.contents: list[bytes] = []
        """Messages as they were meant: without the doubled dots and without the end."""
        self.chunks: list[bytes] = []
        """What arrived, in the pieces in which it arrived."""
        self.sni: list[str | None] = []
        self._dialogs, self._tls = dialogs, _tls(certificate, self.sni)
        self._listener = socket.create_server(
            (address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET
        )
        self._listener.settimeout(_PATIENCE)
        self._failure: Exception | None = None
        self.server = Server(host="mx.inbox.test", address=address, port=self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        self._thread.join(_PATIENCE)
        self._listener.close()
        assert not self._thread.is_alive(), "the dialog never ended"
        if self._failure:
            raise self._failure

    def _play(self) -> None:
        try:
            for steps in self._dialogs:
                link, _ = self._listener.accept()
                _Side(link, self, self._tls).play(steps)
        except Exception as failure:
            self._failure = failure


class _Side:
    """The server's side of one connection."""

    def __init__(self, link: socket.socket, player: Player, tls: ssl.SSLContext) -> None:
        link.settimeout(_PATIENCE)
        self._link, self._player, self._tls, self._heard = link, player, tls, b""
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def play(self, steps: Steps) -> None:
        try:
            for number, (verb, words) in enumerate(steps):
                try:
                    getattr(self, "_" + verb.lower().replace("-", "_"))(words)
                except Exception as failure:
                    raise AssertionError(f"step {number}, {verb}: {words!r}: {failure!r}") from failure
        finally:
            self._link.close()

    def _c(self, words: str) -> None:
        line = self._until(b"\r\n").decode()
        assert line == words or (words.endswith("*") and line.startswith(words[:-1])), f"heard {line!r}"

    def _c_content(self, _: str) -> None:
        self._heard = b"\r\n" + self._heard
        stuffed = self._until(b"\r\n.\r\n") + b"\r\n"
        self._player.contents.append(stuffed.replace(b"\r\n.", b"\r\n")[2:])

    def _c_end(self, _: str) -> None:
        try:
            while self._receive():
                pass
        except ConnectionError:
            pass
        assert self._heard in (b"", b"QUIT\r\n"), f"heard {self._heard!r}"

    def _c_sips(self, words: str) -> None:
        until = time.monotonic() + float(words)
        while time.monotonic() < until:
            self._link.recv(65_536)
            time.sleep(0.02)

    def _s(self, words: str) -> None:
        self._link.sendall(words.encode() + b"\r\n")

    def _s_raw(self, words: str) -> None:
        self._link.sendall(words.encode().decode("unicode_escape").encode("latin-1"))

    def _s_drip(self, words: str) -> None:
        try:
            for octet in (words + "\r\n").encode():
                time.sleep(0.02)
                self._link.sendall(bytes([octet]))
        except ConnectionError:
            pass

    def _s_flood(self, words: str) -> None:
        try:
            while True:
                self._s_raw(words * 1000)
        except ConnectionError:
            pass

    def _s_wait(self, words: str) -> None:
        time.sleep(float(words))

    def _s_tls(self, _: str) -> None:
        assert not self._heard, f"heard {self._heard!r} before the handshake"
        self._link = self._tls.wrap_socket(self._link, server_side=True)

    def _s_quiet(self, _: str) -> None:
        self._link.settimeout(0.01)
        try:
            self._receive()
        except TimeoutError:
            pass
        finally:
            self._link.settimeout(_PATIENCE)
        assert not self._heard, f"heard {self._heard!r} too early"

    def _s_drop(self, _: str) -> None:
        self._link.close()

    def _s_reset(self, _: str) -> None:
        self._link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._link.close()

    def _until(self, end: bytes) -> bytes:
        while end not in self._heard:
            assert self._receive(), f"the client hung up after {self._heard[-80:]!r}"
        before, _, self._heard = self._heard.partition(end)
        return before

    def _receive(self) -> bytes:
        chunk = self._link.recv(65_536)
        self._player.chunks.append(chunk)
        self._heard += chunk
        return chunk


def _tls(certificate: Path, names: list[str | None]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _, name, __: names.append(name)
    return context

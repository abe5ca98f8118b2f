"""One TCP link, later perhaps TLS, to a mail server that may be slow, broken or hostile.

Whatever the other side does comes out as the lines of a reply or as `Broken`. Nothing is read or waited
for without a bound: in octets per line and per reply, in seconds per reply, in seconds for the whole dialog.
"""

import ipaddress
import os
import re
import select
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Self

from chalicelib.errors import Temporary

_LINE, _LINES, _REPLY = 2_000, 100, 65_536
"""Octets of a line, lines and octets of a reply. Nobody has to send more than 512 (RFC 5321 §4.5.3.1.5)."""
_CHUNK = 65_536
"""Octets handed over at once. TLS counts a whole hand-over as one wait: a large one would have to leave in its time."""
_LAST_WORDS = 1.0
"""Seconds for what a server may have said before it hung up in the middle of our sentence."""
_REPLY_LINE = re.compile(rb"[2-5]\d\d(?:[ -]|$)")
_CONTROLS = bytes(32 if octet < 32 or octet == 127 else octet for octet in range(256))
_HOST_NAME = re.compile(r"(?!.{254})[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.IGNORECASE)


class Broken(Temporary):
    """The link is of no more use; `message` says why in a few words. Never leaves `net`."""

    code = "link_broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds to wait at most: for the connection, for a command's reply, for the reply to the final dot.

    `dialog` bounds all of it together, from connecting to the last reply: a server that drips costs that much.
    """

    connect: float = 10.0
    command: float = 60.0
    final: float = 300.0
    dialog: float = 300.0


class Link:
    """Writes raise nothing: what went wrong is told by the next read, after the server's last words."""

    def __init__(self, link: socket.socket, deadline: float) -> None:
        self._socket = link
        self._deadline = deadline
        self._heard = bytearray()
        self._failure: str | None = None
        self.tls: str | None = None
        """The protocol version of the TLS session, None in clear."""
        self.closed = False

    @classmethod
    def connect(cls, address: str, port: int, timeouts: Timeouts) -> Self:
        """`address` must be an IP address: the one that was judged is the one that is spoken to."""
        deadline = time.monotonic() + timeouts.dialog
        family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
        with _failures_told():
            link = socket.socket(family, socket.SOCK_STREAM)
            try:
                link.settimeout(min(timeouts.connect, timeouts.dialog))
                link.connect((address, port))
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                link.close()
                raise
        return cls(link, deadline)

    @property
    def seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    @property
    def quiet(self) -> bool:
        """Open, and nothing unread: a server that was asked nothing and speaks has hung up, or lost step."""
        if self.closed or self._heard:
            return False
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return False
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def send(self, data: bytes, within: float) -> bool:
        """Whether all of it has left for the network; `within` bounds each wait for the receiver to take more.

        Does not speak where the server still has something unread to say: it would answer another question.
        """
        if self._heard:
            self._failure = "the server spoke out of turn"
            return False
        left = memoryview(data)
        try:
            while left:
                self._wait_at_most(min(within, self.seconds_left))
                with _failures_told():
                    left = left[self._socket.send(left[:_CHUNK]) :]
        except Broken as broken:
            self._failure = broken.message
        return not left

    def read_reply(self, within: float) -> list[str]:
        """The lines of the next reply, whose codes are of one class; else Broken, and the link is closed."""
        until = time.monotonic() + min(_LAST_WORDS if self._failure else within, self.seconds_left)
        try:
            lines = self._read_lines(until)
        except Broken as broken:
            self.close()
            raise Broken(self._failure or broken.message) from broken
        if self._failure:
            self.close()
        return [line.translate(_CONTROLS).decode("utf-8", "replace") for line in lines]

    def start_tls(self, host: str, within: float) -> None:
        """Any TLS from 1.2 on, any certificate (RFC 7435); what came in clear is forgotten (RFC 3207 §4.2, §6)."""
        self._heard.clear()
        name = host if _HOST_NAME.fullmatch(host) else None
        try:
            self._wait_at_most(min(within, self.seconds_left))
            with _failures_told():
                secured = _tls().wrap_socket(self._socket, server_hostname=name)
        except Broken:
            self.close()
            raise
        self._socket, self.tls = secured, secured.version()

    def close(self) -> None:
        self.closed = True
        self._socket.close()

    def _read_lines(self, until: float) -> list[bytes]:
        lines: list[bytes] = []
        while len(lines) < _LINES and sum(map(len, lines)) < _REPLY:
            line = self._read_line(until)
            if not _REPLY_LINE.match(line) or (lines and line[:1] != lines[0][:1]):
                raise Broken(f"not an SMTP reply: {line[:60]!r}")
            lines.append(line)
            if line[3:4] != b"-":
                return lines
        raise Broken("a reply without an end")

    def _read_line(self, until: float) -> bytes:
        """Without its end: CRLF, or the bare LF of some servers."""
        while (end := self._heard.find(b"\n", 0, _LINE)) < 0:
            if len(self._heard) >= _LINE:
                raise Broken("a line without an end")
            self._wait_at_most(until - time.monotonic())
            with _failures_told():
                heard = self._socket.recv(_REPLY)
            if not heard:
                raise Broken("the server hung up")
            self._heard += heard
        line = bytes(self._heard[:end])
        del self._heard[: end + 1]
        return line.removesuffix(b"\r")

    def _wait_at_most(self, seconds: float) -> None:
        if self.closed:
            raise Broken("the link is closed")
        if seconds <= 0:
            raise Broken("time-out")
        self._socket.settimeout(seconds)


@cache
def _tls() -> ssl.SSLContext:
    """Opportunistic: without a policy that names the peer, an unverified session beats none (RFC 7435 §3)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextmanager
def _failures_told() -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        raise Broken(_words(failure)) from failure


def _words(failure: OSError) -> str:
    if isinstance(failure, TimeoutError):
        return "time-out"
    if isinstance(failure, ssl.SSLError):
        return f"TLS: {(failure.reason or 'failure').replace('_', ' ').lower()}"
    return os.strerror(failure.errno).lower() if failure.errno else "link failure"

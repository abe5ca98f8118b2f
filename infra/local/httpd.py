"""A small HTTP/1.1 server (RFC 9112) on threads: what comes in is a value, and so is what goes out.

It keeps connections alive, takes bodies with a length or in chunks, writes each response in one piece (headers
and body in two would wait 40 ms for a delayed ACK), refuses what is malformed in the error body of our API,
and is silent when a client hangs up.
"""

import json
import re
import sys
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn

BODY_LIMIT = 10_485_760
"""Octets; API Gateway passes no more."""
_DRAIN_LIMIT = 8 * BODY_LIMIT
"""A client that is still sending does not read a refusal: this much is read and forgotten first."""

_TOO_LARGE = "A request may have 4 MB."
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")
_CODES: Mapping[int, str] = {
    404: "not_found",
    413: "payload_too_large",
    431: "headers_too_large",
    500: "internal_error",
    503: "service_unavailable",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`target` as on the request line, percent-encoding and all."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    peer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """Headers without Content-Length, Connection and Date, which the server knows better."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


Responder = Callable[[Request], Response]


def refusal(status: int, message: str) -> Response:
    """The error body of our API, for what never reaches it."""
    body = {"error": _CODES.get(status, "invalid_request"), "message": message}
    headers = (("Content-Type", "application/json"), ("X-Request-ID", str(uuid.uuid4())))
    return Response(status=status, headers=headers, body=json.dumps(body, separators=(",", ":")).encode())


@contextmanager
def serving(respond: Responder, port: int, host: str = "127.0.0.1") -> Iterator[int]:
    """Answer requests with `respond`, each in its connection's thread; yields the port, chosen by the system for 0."""
    with _Server((host, port), _Handler) as server:
        server.respond = respond
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            server.respond = _stopping  # for connections that are kept alive
            thread.join()


def _stopping(_: Request) -> Response:
    return refusal(503, "This server is stopping.")


class _Server(ThreadingMixIn, TCPServer):
    """TCPServer, because HTTPServer asks the DNS for its own name when it starts."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    respond: Responder

    def handle_error(self, *_: object) -> None:
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            traceback.print_exc()


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.response = refusal(status, message)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 60
    server: _Server

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every method is served alike; which ones there are is for the responder to say."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def handle_expect_100(self) -> bool:
        """The interim answer leaves at once (RFC 9110 §10.1.1): a client waits for it with its body."""
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def _serve(self) -> None:
        try:
            request = Request(
                method=self.command,
                target=self.path,
                headers=tuple(self.headers.items()),
                body=self._body(),
                peer=str(self.client_address[0]),
            )
        except _Refused as refused:
            self.close_connection = True
            self._write(refused.response)
        else:
            self._write(self._respond(request))

    def _respond(self, request: Request) -> Response:
        try:
            return self.server.respond(request)
        except Exception:
            traceback.print_exc()
            return refusal(500, "This is our fault. Trying again may work.")

    def _body(self) -> bytes:
        lengths = set(self.headers.get_all("Content-Length", ()))
        coding = self.headers.get("Transfer-Encoding")
        if coding is not None:
            if lengths or coding.strip().lower() != "chunked":
                raise _Refused(400, "Send a Content-Length, or chunks and nothing else.")
            return self._chunks()
        if not lengths:
            return b""
        length = lengths.pop()
        if lengths or not (length.isascii() and length.isdigit()):
            raise _Refused(400, "Content-Length is not one number.")
        return self._exactly(int(length[:20]))

    def _exactly(self, length: int) -> bytes:
        if length > BODY_LIMIT:
            self._drain(length)
            raise _Refused(413, _TOO_LARGE)
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionResetError("the client left in the middle of its body")
        return body

    def _chunks(self) -> bytes:
        body = bytearray()
        while size := self._chunk_size():
            body += self._exactly(size)
            self.rfile.readline(3)
            if len(body) > BODY_LIMIT:
                raise _Refused(413, _TOO_LARGE)
        while self.rfile.readline(65_536) not in (b"\r\n", b"\n", b""):
            pass
        return bytes(body)

    def _chunk_size(self) -> int:
        digits = self.rfile.readline(1024).partition(b";")[0].strip()
        if not _CHUNK_SIZE.fullmatch(digits):
            raise _Refused(400, "A chunk does not begin with its size.")
        return int(digits, 16)

    def _drain(self, length: int) -> None:
        left = min(length, _DRAIN_LIMIT)
        while left > 0 and (piece := self.rfile.read(min(left, 65_536))):
            left -= len(piece)

    def _write(self, response: Response) -> None:
        bodiless = self.command == "HEAD" or response.status in (204, 304)
        lines = [f"{self.protocol_version} {response.status} {_reason(response.status)}"]
        lines += [f"{name}: {value}" for name, value in response.headers]
        if response.status != 204:
            lines.append(f"Content-Length: {len(response.body)}")
        lines.append(f"Date: {self.date_time_string()}")
        lines.append(f"Connection: {'close' if self.close_connection else 'keep-alive'}")
        head = "\r\n".join(lines) + "\r\n\r\n"
        self.wfile.write(head.encode("latin-1", "replace") + (b"" if bodiless else response.body))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the standard library calls for requests that it cannot make sense of."""
        self.close_connection = True
        self._write(refusal(code, message or explain or _reason(code)))

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the functions write their own lines."""


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""

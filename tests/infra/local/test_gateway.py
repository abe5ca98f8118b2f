"""The gateway with an app of its own behind it, over real sockets: well-behaved clients and others."""

import base64
import http.client
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from chalice.app import Response

from chalicelib.api.application import Application
from infra import template
from infra.local import gateway, httpd

pytestmark = pytest.mark.sockets

ANSWERS = template.overlay(local=False)["Resources"]["RestAPI"]["Properties"]["GatewayResponses"]
POST = b"POST /echo/x HTTP/1.1\r\nHost: x\r\n"

app = Application(app_name="trial", configure_logs=False)


@app.route("/echo/{name}", methods=["POST", "PUT"], content_types=["application/json", "application/octet-stream"])
def echo(name: str) -> dict[str, object]:
    request = app.current_request
    assert request is not None
    body = request.raw_body
    assert isinstance(body, bytes)
    return {"name": name, "body": base64.b64encode(body).decode(), "query": dict(request.query_params or {})}


@app.route("/plain", methods=["GET", "HEAD"])
def plain() -> Response:
    return Response("text", headers={"Content-Type": "text/plain", "X-Two": ["a", "b"]})


@app.route("/nothing", methods=["DELETE"])
def nothing() -> Response:
    return Response("", status_code=204)


@app.route("/broken")
def broken() -> dict[str, object]:
    raise RuntimeError("secret")


@app.route("/injected")
def injected() -> Response:
    return Response("", headers={"X-Bad": "a\rSet-Cookie: b"})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with httpd.serving(gateway.responder(app), 0) as chosen:
        yield chosen


@pytest.fixture
def link(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    yield connection
    connection.close()


def ask(
    link: http.client.HTTPConnection, method: str, target: str, body: object = None, **headers: str
) -> tuple[int, bytes]:
    link.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})  # type: ignore[arg-type]
    response = link.getresponse()
    return response.status, response.read()


def raw(port: int, octets: bytes) -> bytes:
    """Everything that comes back for these octets, until the server hangs up or has no more to say."""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as client:
        client.sendall(octets)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65_536), b""))


def test_a_request_reaches_its_view_and_comes_back(link: http.client.HTTPConnection) -> None:
    status, body = ask(link, "POST", "/echo/a%2Fb?x=1", b'{"k":1}')
    assert status == 200
    assert json.loads(body) == {"name": "a/b", "body": base64.b64encode(b'{"k":1}').decode(), "query": {"x": "1"}}


def test_octets_that_are_no_text_reach_the_view_unharmed(link: http.client.HTTPConnection) -> None:
    sent = bytes(range(256))
    link.request("PUT", "/echo/x", sent, {"Content-Type": "application/octet-stream"})
    assert base64.b64decode(json.loads(link.getresponse().read())["body"]) == sent


def test_a_body_in_chunks_is_one_body(link: http.client.HTTPConnection) -> None:
    pieces = iter([b"one ", b"two ", b"three"])
    _, body = ask(link, "POST", "/echo/x", pieces)
    assert base64.b64decode(json.loads(body)["body"]) == b"one two three"


def test_several_values_of_a_header_are_all_sent(link: http.client.HTTPConnection) -> None:
    link.request("GET", "/plain")
    response = link.getresponse()
    assert response.headers.get_all("X-Two") == ["a", "b"]
    assert response.read() == b"text"


def test_a_head_and_a_204_have_no_body(link: http.client.HTTPConnection) -> None:
    assert ask(link, "HEAD", "/plain") == (200, b"")
    assert ask(link, "DELETE", "/nothing") == (204, b"")
    assert ask(link, "GET", "/plain") == (200, b"text")


@pytest.mark.parametrize(
    ("method", "target"), [("GET", "/absent"), ("POST", "/plain"), ("BREW", "/plain"), ("GET", "/..%2f")]
)
def test_what_no_route_answers_is_not_found(link: http.client.HTTPConnection, method: str, target: str) -> None:
    status, body = ask(link, method, target)
    assert (status, json.loads(body)["error"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "target", "kind"),
    [
        ("GET", "/absent", "RESOURCE_NOT_FOUND"),
        ("POST", "/plain", "MISSING_AUTHENTICATION_TOKEN"),
        ("GET", "/injected", "DEFAULT_5XX"),
    ],
)
def test_what_never_reaches_the_app_is_answered_in_the_octets_of_the_template(
    link: http.client.HTTPConnection, method: str, target: str, kind: str
) -> None:
    answer = ANSWERS[kind]
    status, body = ask(link, method, target)
    assert (status, body.decode()) == (answer.get("StatusCode", 500), answer["ResponseTemplates"]["application/json"])


def test_a_wrong_head_has_the_headers_of_the_refusal_and_no_body(link: http.client.HTTPConnection) -> None:
    link.request("HEAD", "/broken")
    response = link.getresponse()
    told = len(ANSWERS["MISSING_AUTHENTICATION_TOKEN"]["ResponseTemplates"]["application/json"])
    assert (response.status, response.headers["Content-Length"]) == (404, str(told))
    assert response.headers["Content-Type"] == "application/json"
    assert response.read() == b""
    assert ask(link, "GET", "/plain")[0] == 200


def test_a_client_that_expects_to_be_told_is_told_before_it_sends(port: int) -> None:
    head = POST + b"Content-Type: application/octet-stream\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(head)
        assert client.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        assert client.recv(1024).startswith(b"HTTP/1.1 200 ")


def test_a_view_that_raises_is_a_500_without_its_secrets(link: http.client.HTTPConnection) -> None:
    status, body = ask(link, "GET", "/broken")
    assert status == 500
    assert b"secret" not in body


def test_a_line_break_in_a_header_never_leaves(
    link: http.client.HTTPConnection, capfd: pytest.CaptureFixture[str]
) -> None:
    link.request("GET", "/injected")
    response = link.getresponse()
    assert (response.status, response.headers.get("Set-Cookie")) == (500, None)
    assert "line break" in capfd.readouterr().err


def test_more_than_ten_megabytes_are_refused_in_words(link: http.client.HTTPConnection) -> None:
    status, body = ask(link, "POST", "/echo/x", b" " * (httpd.BODY_LIMIT + 1))
    assert (status, body.decode()) == (413, ANSWERS["REQUEST_TOO_LARGE"]["ResponseTemplates"]["application/json"])


def test_ten_megabytes_are_taken(link: http.client.HTTPConnection) -> None:
    assert ask(link, "POST", "/echo/x", b" " * httpd.BODY_LIMIT)[0] == 200


def test_a_connection_is_kept_and_answers_without_waiting(link: http.client.HTTPConnection) -> None:
    ask(link, "GET", "/plain")
    socket_before = link.sock
    begun = time.monotonic()
    for _ in range(50):
        ask(link, "GET", "/plain")
    assert link.sock is socket_before
    assert time.monotonic() - begun < 1  # 44 ms each, if headers and body left in two pieces


def test_requests_at_the_same_time_never_see_each_other(port: int) -> None:
    def talk(client: int) -> list[tuple[bytes, bytes]]:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        bodies = [b"%d-%d" % (client, number) for number in range(100)]
        answers = [json.loads(ask(link, "POST", "/echo/x", body)[1])["body"] for body in bodies]
        link.close()
        return list(zip(bodies, map(base64.b64decode, answers), strict=True))

    with ThreadPoolExecutor(8) as clients:
        pairs = [pair for talked in clients.map(talk, range(8)) for pair in talked]
    assert [sent for sent, seen in pairs if sent != seen] == []


def test_a_connection_that_outlives_the_server_is_told_so() -> None:
    with httpd.serving(gateway.responder(app), 0) as port:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        assert ask(link, "GET", "/plain")[0] == 200
    status, body = ask(link, "GET", "/plain")
    assert (status, json.loads(body)["error"]) == (503, "service_unavailable")
    link.close()


@pytest.mark.parametrize(
    "octets",
    [
        b"NONSENSE\r\n\r\n",
        b"GET /plain HTTP/9.9\r\n\r\n",
        b"GET /plain extra HTTP/1.1\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /plain HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"GET /plain HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: 1x\r\n\r\nab",
        POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        POST + b"Content-Length: \xb2\r\n\r\nab",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: gzip\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n",
    ],
)
def test_a_malformed_request_is_refused_in_our_error_body(
    port: int, octets: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = raw(port, octets)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505"))
    assert set(json.loads(body)) == {"error", "message"}
    assert capfd.readouterr().err == ""


def test_a_client_that_leaves_anywhere_is_not_worth_a_word(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    whole = POST + b"Content-Type: application/json\r\nContent-Length: 10\r\n\r\n0123456789"
    for cut in range(0, len(whole), 7):
        with socket.create_connection(("127.0.0.1", port), timeout=2) as client:
            client.sendall(whole[:cut])
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert raw(port, b"GET /plain HTTP/1.0\r\n\r\n").endswith(b"text")
    assert capfd.readouterr().err == ""

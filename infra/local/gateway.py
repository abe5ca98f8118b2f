"""API Gateway in front of the Chalice app: requests become proxy events, what the app returns becomes a response.

What no route answers is refused in the words that the template gives to the real gateway. The app is called
in a context of its own for every request, so that nothing that it remembers there reaches the next one.
"""

import base64
import contextvars
from collections.abc import Iterable, Mapping
from typing import Any

from chalice.app import Chalice

from infra.local import httpd, proxy_event
from infra.local.httpd import Request, Response
from infra.local.invocation import Context

_TIMEOUT = 29
"""Seconds that API Gateway waits for a function."""
_NOT_FOUND = "There is nothing at this path and method."
_OWN = frozenset({"content-length", "connection", "date", "transfer-encoding"})


def responder(app: Chalice) -> httpd.Responder:
    def respond(request: Request) -> Response:
        matched = proxy_event.match(app.routes, request.target.partition("?")[0])
        if matched is None or request.method not in app.routes[matched.resource]:
            return httpd.refusal(404, _NOT_FOUND)
        context = Context(function_name="APIHandler", timeout=_TIMEOUT)
        answer = contextvars.copy_context().run(app, proxy_event.event(request, matched), context)
        return _response(answer)

    return respond


def _response(answer: Mapping[str, Any]) -> Response:
    """ValueError, and so a 500, for what the real gateway would refuse as a malformed answer."""
    several: Mapping[str, Iterable[str]] = answer.get("multiValueHeaders") or {}
    single: Mapping[str, str] = answer.get("headers") or {}
    pairs = [(name, str(value)) for name, values in several.items() for value in values]
    pairs += [(name, str(value)) for name, value in single.items() if name not in several]
    if any(mark in part for pair in pairs for part in pair for mark in "\r\n"):
        raise ValueError("a response header with a line break")
    body = answer.get("body") or ""
    return Response(
        status=int(answer["statusCode"]),
        headers=tuple((name, value) for name, value in pairs if name.lower() not in _OWN),
        body=base64.b64decode(body) if answer.get("isBase64Encoded") else str(body).encode(),
    )

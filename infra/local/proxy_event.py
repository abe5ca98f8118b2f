"""An HTTP request as API Gateway's REST API hands it to Lambda (proxy integration, payload 1.0)."""

import base64
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from infra.local.httpd import Request

Event = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """`resource` as the route was declared; `parameters` decoded, each from its own segment."""

    resource: str
    parameters: Mapping[str, str]


def match(resources: Iterable[str], path: str) -> Match | None:
    """The declared route for a raw path. A literal segment goes before a parameter; one trailing slash is ignored."""
    segments = _segments(path)
    fitting = (resource for resource in resources if _fits(_segments(resource), segments))
    resource = min(fitting, key=lambda found: [_is_parameter(part) for part in _segments(found)], default=None)
    if resource is None:
        return None
    pairs = zip(_segments(resource), segments, strict=True)
    return Match(
        resource=resource,
        parameters={part[1:-1]: unquote(segment) for part, segment in pairs if _is_parameter(part)},
    )


def event(request: Request, matched: Match) -> Event:
    path, _, query = request.target.partition("?")
    return {
        "resource": matched.resource,
        "path": path,
        "httpMethod": request.method,
        **_named("headers", "multiValueHeaders", _gathered(request.headers)),
        **_named("queryStringParameters", "multiValueQueryStringParameters", parse_qs(query, keep_blank_values=True)),
        "pathParameters": dict(matched.parameters) or None,
        "stageVariables": None,
        "requestContext": _context(request, matched.resource, path),
        **_body(request.body),
    }


def _context(request: Request, resource: str, path: str) -> Event:
    now = time.time()
    return {
        "requestId": str(uuid.uuid4()),
        "resourcePath": resource,
        "httpMethod": request.method,
        "path": path,
        "protocol": "HTTP/1.1",
        "stage": "api",
        "apiId": "local",
        "accountId": "000000000000",
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "requestTimeEpoch": int(now * 1000),
        "identity": {
            "sourceIp": request.peer,
            "userAgent": next((value for name, value in request.headers if name.lower() == "user-agent"), None),
        },
    }


def _body(body: bytes) -> Event:
    """Text as it is; octets that are no UTF-8 in base64, as a function sees uploads."""
    try:
        return {"body": body.decode() or None, "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def _gathered(pairs: Iterable[tuple[str, str]]) -> Mapping[str, Sequence[str]]:
    values: dict[str, list[str]] = {}
    spelling: dict[str, str] = {}
    for name, value in pairs:
        values.setdefault(spelling.setdefault(name.lower(), name), []).append(value)
    return values


def _named(single: str, multiple: str, values: Mapping[str, Sequence[str]]) -> Event:
    """The two views that API Gateway gives: the last value of each name, and all; null where there is none."""
    return {
        single: {name: each[-1] for name, each in values.items()} or None,
        multiple: {name: list(each) for name, each in values.items()} or None,
    }


def _segments(path: str) -> list[str]:
    return (path.removesuffix("/") or "/").split("/")


def _fits(declared: Sequence[str], segments: Sequence[str]) -> bool:
    return len(declared) == len(segments) and all(
        bool(segment) if _is_parameter(part) else part == segment
        for part, segment in zip(declared, segments, strict=True)
    )


def _is_parameter(part: str) -> bool:
    return part.startswith("{")

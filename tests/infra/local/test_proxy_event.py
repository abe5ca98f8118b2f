"""Requests as API Gateway's proxy events, and which route they find."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local import proxy_event
from infra.local.httpd import Request

ROUTES = [
    "/",
    "/v1/send",
    "/v1/send/batch",
    "/v1/{any}/batch",
    "/v1/emails/{id}",
    "/v1/emails/{id}/events",
    "/v1/{thing}",
]


def request(target: str = "/", body: bytes = b"", headers: tuple[tuple[str, str], ...] = ()) -> Request:
    return Request(method="POST", target=target, headers=headers, body=body, peer="127.0.0.9")


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/", "/"),
        ("/v1/send", "/v1/send"),
        ("/v1/send/", "/v1/send"),
        ("/v1/send/batch", "/v1/send/batch"),
        ("/v1/emails/7", "/v1/emails/{id}"),
        ("/v1/emails/7/events", "/v1/emails/{id}/events"),
        ("/v1/other", "/v1/{thing}"),
        ("/V1/send", None),
        ("/v1", None),
        ("/v1/emails//events", None),
        ("//v1/send", None),
        ("", "/"),
        ("*", None),
    ],
)
def test_a_path_finds_its_route(path: str, resource: str | None) -> None:
    found = proxy_event.match(ROUTES, path)
    assert (found and found.resource) == resource


@given(st.text(min_size=1))
def test_a_segment_comes_out_as_it_was_before_encoding(value: str) -> None:
    encoded = quote(value.encode("utf-8", "replace").decode(), safe="")
    found = proxy_event.match(ROUTES, f"/v1/emails/{encoded}/events")
    assert found is not None
    assert found.parameters == {"id": value.encode("utf-8", "replace").decode()}


@given(st.text(st.characters(min_codepoint=33, max_codepoint=255)))
def test_no_target_is_an_exception(target: str) -> None:
    path = "/" + target
    found = proxy_event.match(ROUTES, path.partition("?")[0])
    if found:
        proxy_event.event(request(path), found)


def made(asked: Request) -> dict[str, object]:
    found = proxy_event.match(ROUTES, asked.target.partition("?")[0])
    assert found is not None
    return proxy_event.event(asked, found)


def test_a_query_has_its_two_views() -> None:
    event = made(request("/v1/send?a=1&a=2&b=&c=%2B+x"))
    assert event["queryStringParameters"] == {"a": "2", "b": "", "c": "+ x"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""], "c": ["+ x"]}
    assert event["path"] == "/v1/send"


def test_no_query_no_parameters_and_no_body_are_null() -> None:
    event = made(request("/v1/send"))
    assert (event["multiValueQueryStringParameters"], event["pathParameters"], event["body"]) == (None, None, None)


def test_headers_of_one_name_are_gathered_whatever_their_case() -> None:
    event = made(request(headers=(("X-A", "1"), ("x-a", "2"), ("Host", "h"))))
    assert event["multiValueHeaders"] == {"X-A": ["1", "2"], "Host": ["h"]}
    assert event["headers"] == {"X-A": "2", "Host": "h"}


@given(st.binary(max_size=100))
def test_a_body_arrives_octet_for_octet(body: bytes) -> None:
    event = made(request(body=body))
    text = event["body"] or ""
    assert isinstance(text, str)
    assert (base64.b64decode(text) if event["isBase64Encoded"] else text.encode()) == body


def test_the_context_says_who_asked_for_what() -> None:
    context = made(request("/v1/emails/7", headers=(("User-Agent", "sdk"),)))["requestContext"]
    assert isinstance(context, dict)
    assert (context["resourcePath"], context["httpMethod"]) == ("/v1/emails/{id}", "POST")
    assert context["identity"] == {"sourceIp": "127.0.0.9", "userAgent": "sdk"}
    assert len(context["requestId"]) == 36

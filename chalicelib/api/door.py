"""The guarded door: no view runs before a key has been believed, and every failure leaves in one shape."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from chalice.app import Blueprint, Response

from chalicelib.accounts.api_keys import ApiKeys, Principal
from chalicelib.api import errors
from chalicelib.errors import Invalid, Unauthenticated

View = Callable[..., Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`headers` by lower-case name."""

    principal: Principal
    headers: dict[str, str]
    raw_body: bytes


class Door:
    """Makes routes that call `view(request, **path parameters)`."""

    def __init__(self, api_keys: Callable[[], ApiKeys]) -> None:
        self._api_keys = api_keys

    def route(self, blueprint: Blueprint, path: str, method: str) -> Callable[[View], View]:
        def declare(view: View) -> View:
            @functools.wraps(view)
            def guarded(**parameters: str) -> Response:
                return self._enter(blueprint, view, parameters)

            # No content types: what the body is, its parser says, in our words and not in Chalice's.
            blueprint.route(path, methods=[method], content_types=[])(guarded)
            return view

        return declare

    def _enter(self, blueprint: Blueprint, view: View, parameters: dict[str, str]) -> Response:
        chalice_request = blueprint.current_request
        request_id = chalice_request.context.get("requestId") or str(uuid4())
        try:
            response = view(self._admit(chalice_request), **parameters)
        except Exception as failure:  # a surprise becomes a 500 in our shape, with its place in the log
            response = errors.answer(failure, request_id)
        response.headers |= {"X-Request-ID": request_id, "Content-Type": "application/json"}
        return response

    def _admit(self, chalice_request: Any) -> Request:
        headers = {name.lower(): value for name, value in chalice_request.headers.items()}
        scheme, _, key = headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Unauthenticated("send your API key in the header: Authorization: Bearer ps_live_…")
        principal = self._api_keys().principal(key.strip())
        return Request(principal=principal, headers=headers, raw_body=_raw_body(chalice_request))


def _raw_body(chalice_request: Any) -> bytes:
    try:
        body = chalice_request.raw_body
    except ValueError:
        raise Invalid("the body could not be decoded") from None
    return body if isinstance(body, bytes) else body.encode()

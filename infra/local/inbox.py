"""The inbox viewer: what the local receivers have kept, for people as pages and for programs as JSON.

    GET /                      the list                       GET    /messages         the same as JSON
    GET /view/<id>             one mail                       GET    /messages/<id>    its raw octets
    GET /view/<id>/html        its HTML, walled in            DELETE /messages         forget them all
    GET /view/<id>/raw         its raw octets as text

A mail is somebody else's text: everything is escaped, its HTML is shown in a sandboxed frame under a policy
that runs nothing and loads nothing, and raw mail is never a page, but plain text at most.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from infra.local import httpd, inbox_pages, readable
from infra.local.httpd import Request, Response
from infra.local.mailbox import Kept, Mailbox

_PAGE_POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'"
_MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'"
_ASSETS: Mapping[str, str] = {"inbox.css": "text/css; charset=utf-8", "inbox.js": "text/javascript; charset=utf-8"}
_NOT_FOUND = "There is no such message or page."
_LISTED = ("id", "received_at", "mail_from", "rcpt_to", "subject", "tls")
"""What programs are told of each mail; people see more."""


def responder(mailbox: Mailbox) -> httpd.Responder:
    pages = _Pages(mailbox)

    def respond(request: Request) -> Response:
        segments = request.target.partition("?")[0].strip("/").split("/")
        match (request.method, *segments):
            case ("GET", ""):
                return pages.index()
            case ("GET", "messages"):
                return pages.as_json()
            case ("DELETE", "messages"):
                return pages.clear()
            case ("GET", "messages", mail_id):
                return pages.raw(mail_id)
            case ("GET", "view", mail_id, *what) if tuple(what) in _VIEWS:
                return pages.view(mail_id, _VIEWS[tuple(what)])
            case ("GET", name) if name in _ASSETS:
                return _made(_ASSETS[name], Path(__file__).with_name(name).read_bytes())
        return httpd.refusal(404, _NOT_FOUND)

    return respond


class _Pages:
    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    def index(self) -> Response:
        return _page(inbox_pages.index(self._mailbox.newest_first()))

    def as_json(self) -> Response:
        listed = [{name: getattr(kept, name) for name in _LISTED} for kept in self._mailbox.newest_first()]
        return _made("application/json", json.dumps(listed).encode())

    def clear(self) -> Response:
        self._mailbox.clear()
        return Response(status=204, headers=(), body=b"")

    def raw(self, mail_id: str) -> Response:
        found = self._mailbox.find(mail_id)
        return _made("message/rfc822", found[1]) if found else httpd.refusal(404, _NOT_FOUND)

    def view(self, mail_id: str, show: "_View") -> Response:
        found = self._mailbox.find(mail_id)
        return show(*found) if found else replace(_page(inbox_pages.absent()), status=404)


_View = Callable[[Kept, bytes], Response]


def _mail(kept: Kept, raw: bytes) -> Response:
    return _page(inbox_pages.view(kept, readable.read(raw), len(raw)))


def _text(_: Kept, raw: bytes) -> Response:
    return _made("text/plain; charset=utf-8", raw)


def _walled_in(_: Kept, raw: bytes) -> Response:
    html = readable.read(raw).html or ""
    return _made("text/html; charset=utf-8", html.encode("utf-8", "replace"), _MAIL_POLICY)


def _page(text: str) -> Response:
    return _made("text/html; charset=utf-8", text.encode("utf-8", "replace"), _PAGE_POLICY)


def _made(content_type: str, body: bytes, policy: str = "default-src 'none'") -> Response:
    headers = (
        ("Content-Type", content_type),
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
    )
    return Response(status=200, headers=headers, body=body)


_VIEWS: Mapping[tuple[str, ...], _View] = {(): _mail, ("html",): _walled_in, ("raw",): _text}

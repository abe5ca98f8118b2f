"""The inbox viewer over HTTP."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import httpd, inbox
from infra.local.mailbox import Envelope, Kept, Mailbox

pytestmark = pytest.mark.sockets

RAW = b"From: Jo <jo@acme.test>\r\nSubject: Hi\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>\xff\r\n"
ARRIVED = Envelope(mail_from="b-1@ps-bounces.acme.test", rcpt_to=("ann@inbox.test",), tls=True)


@pytest.fixture
def mailbox(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path)


@pytest.fixture
def mail(mailbox: Mailbox) -> Kept:
    return mailbox.keep(ARRIVED, RAW)


@pytest.fixture
def link(mailbox: Mailbox) -> Iterator[http.client.HTTPConnection]:
    with httpd.serving(inbox.responder(mailbox), 0) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        yield connection
        connection.close()


def ask(link: http.client.HTTPConnection, target: str, method: str = "GET") -> tuple[http.client.HTTPResponse, bytes]:
    link.request(method, target)
    response = link.getresponse()
    return response, response.read()


def test_the_list_as_json_has_the_newest_first(link: http.client.HTTPConnection, mailbox: Mailbox, mail: Kept) -> None:
    newer = mailbox.keep(ARRIVED, RAW)
    response, body = ask(link, "/messages")
    assert response.headers["Content-Type"] == "application/json"
    listed = json.loads(body)
    assert [line["id"] for line in listed] == [newer.id, mail.id]
    assert listed[0] == {
        "id": newer.id,
        "received_at": newer.received_at,
        "mail_from": "b-1@ps-bounces.acme.test",
        "rcpt_to": ["ann@inbox.test"],
        "subject": "Hi",
        "tls": True,
    }


def test_a_message_is_its_raw_octets_and_never_a_page(link: http.client.HTTPConnection, mail: Kept) -> None:
    response, body = ask(link, f"/messages/{mail.id}")
    assert body == RAW
    assert (response.headers["Content-Type"], response.headers["X-Content-Type-Options"]) == (
        "message/rfc822",
        "nosniff",
    )


@pytest.mark.parametrize("target", ["/", "/view/{id}"])
def test_people_see_whom_a_mail_says_it_is_from(link: http.client.HTTPConnection, mail: Kept, target: str) -> None:
    assert b"Jo &lt;jo@acme.test&gt;" in ask(link, target.format(id=mail.id))[1].split(b"<details>")[0]


def test_raw_mail_opens_in_a_browser_as_text_and_nothing_else(link: http.client.HTTPConnection, mail: Kept) -> None:
    response, body = ask(link, f"/view/{mail.id}/raw")
    assert body == RAW
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert f'href="/view/{mail.id}/raw"'.encode() in ask(link, f"/view/{mail.id}")[1]


@pytest.mark.parametrize("target", ["/view/absent", "/view/absent/html", "/view/absent/raw", "/view/%3Cscript%3E"])
def test_a_mail_that_is_not_there_is_a_small_page(link: http.client.HTTPConnection, target: str) -> None:
    response, body = ask(link, target)
    assert (response.status, response.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert b"No such message" in body
    assert b"script" not in body


def test_deleting_empties_the_inbox(link: http.client.HTTPConnection, mailbox: Mailbox, mail: Kept) -> None:
    assert ask(link, "/messages", "DELETE")[0].status == 204
    assert ask(link, "/messages")[1] == b"[]"
    assert ask(link, f"/messages/{mail.id}")[0].status == 404


def test_the_html_of_a_mail_may_run_and_load_nothing(link: http.client.HTTPConnection, mail: Kept) -> None:
    response, body = ask(link, f"/view/{mail.id}/html")
    assert b"<script>" in body
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none';")
    assert "script" not in policy


@pytest.mark.parametrize("target", ["/", "/view/{id}", "/inbox.css", "/inbox.js"])
def test_every_page_has_a_policy(link: http.client.HTTPConnection, mail: Kept, target: str) -> None:
    response, body = ask(link, target.format(id=mail.id))
    assert response.status == 200
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert b"<script>alert" not in body


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/messages/../keys"),
        ("GET", "/messages/absent"),
        ("GET", "/view/17/else"),
        ("GET", "/inbox.py"),
        ("GET", "/%2e%2e/keys.json"),
        ("POST", "/messages"),
        ("DELETE", "/"),
    ],
)
def test_anything_else_is_not_found(link: http.client.HTTPConnection, mail: Kept, method: str, target: str) -> None:
    response, body = ask(link, target, method)
    assert (response.status, json.loads(body)["error"]) == (404, "not_found")

"""A mail made readable, and the viewer's pages: everything from a mail is text, nothing in it is ever markup."""

from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local import inbox_pages, readable
from infra.local.mailbox import Kept

EVIL = "<script>alert('&\"')</script>"


def kept(text: str = "Hello") -> Kept:
    return Kept(
        id="18",
        received_at="2026-11-21T12:00:00.000+00:00",
        mail_from=text,
        rcpt_to=(text,),
        subject=text,
        tls=True,
        header_from=text,
    )


def test_texts_and_attachments_are_told_apart() -> None:
    message = EmailMessage()
    message["Subject"] = "Grüße"
    message.set_content("Grüße aus München")
    message.add_alternative("<p>Grüße</p>", subtype="html")
    message.add_attachment(b"12345", maintype="application", subtype="pdf", filename="récit.pdf")
    mail = readable.read(bytes(message))
    assert (mail.text, mail.html) == ("Grüße aus München\n", "<p>Grüße</p>\n")
    assert [(a.name, a.content_type, a.octets) for a in mail.attachments] == [("récit.pdf", "application/pdf", 5)]
    assert ("Subject", "Grüße") in mail.headers


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"Content-Type: text/plain; charset=nonsense\r\n\r\nok \xff",
        b"Content-Type: text/plain; charset=\xff\r\n\r\nok",
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!!",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" * 300,
        b'Content-Type: application/x; name="=?nonsense?q?x?="\r\n\r\n',
    ],
)
def test_a_mail_that_makes_no_sense_is_shown_as_well_as_may_be(raw: bytes) -> None:
    inbox_pages.view(kept(), readable.read(raw), len(raw))


@settings(deadline=None)  # a machine that does other things as well is no finding
@given(st.binary(max_size=400))
def test_no_octets_are_an_exception(raw: bytes) -> None:
    inbox_pages.view(kept(), readable.read(raw), len(raw))


def test_nothing_from_a_mail_is_markup() -> None:
    message = EmailMessage()
    message["X-Evil"] = EVIL
    message.set_content(EVIL)
    message.add_attachment(b"", maintype="application", subtype="pdf", filename=EVIL)
    for page in (inbox_pages.index([kept(EVIL)]), inbox_pages.view(kept(EVIL), readable.read(bytes(message)), 1)):
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


def test_html_is_shown_in_a_sandbox_only() -> None:
    message = EmailMessage()
    message.set_content("<b>evil</b>", subtype="html")
    page = inbox_pages.view(kept(), readable.read(bytes(message)), 1)
    assert "<b>evil</b>" not in page
    assert '<iframe sandbox title="The HTML of this message" src="/view/18/html">' in page


@pytest.mark.parametrize(
    ("html", "told"),
    [
        ('<img src="https://cdn.example/a.png">', True),
        ("<img alt=x src = //cdn.example/a.png>", True),
        ("<IMG SRC='cid:logo'>", True),
        ('<td background="http://cdn.example/a.png">', True),
        ("<style>p { background: url('https://cdn.example/a.png') }</style>", True),
        ('<img src="data:image/png;base64,AAAA">', False),
        ('<a href="https://shop.example">shop</a>', False),
    ],
)
def test_a_mail_whose_images_are_not_loaded_says_so(html: str, told: bool) -> None:
    message = EmailMessage()
    message.set_content(html, subtype="html")
    assert ("not loaded here" in inbox_pages.view(kept(), readable.read(bytes(message)), 1)) is told


def test_a_mail_without_an_author_is_from_nobody() -> None:
    assert "<td>(nobody)</td>" in inbox_pages.index([kept("")])


def test_an_empty_inbox_says_how_to_fill_it() -> None:
    assert "inbox.test" in inbox_pages.index([])

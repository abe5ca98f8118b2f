import itertools
import re
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.errors import Invalid
from chalicelib.mail.address import Address
from chalicelib.mail.message import Content, compose
from tests.mail.composed import assert_clean, content, header_of

GOLDEN = Path(__file__).parent / "golden"
CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xD800, 0xDFFF)]
LOOKALIKE = "=?utf-8?q?x=0D=0ABcc:_v=40x?="
LONG = "word " * 60 + "end"


CASES = {
    "text": content(sender="Acme <hello@acme.test>"),
    "html": content(text=None, html="<p>Hello Ann</p>"),
    "alternative": content(
        text="Hello Ann\r\n", html="<p>Hello <b>Ann</b></p>\n", to=("a@inbox.test", "B <b@inbox.test>")
    ),
    "unicode": content(
        sender="Ärger & Söhne <hello@bücher.test>",
        to=('"Lee, Ann" <ann@inbox.test>', "安 <an@inbox.test>"),
        subject="Grüße aus Köln, und noch viel mehr davon, damit gefaltet werden muss",
        text="Grüße, Ann\n\n.\nFrom here = there \t\n" + "One line, too long to stay in one piece, " * 2,
        html="<p>您好您好您好您好您好您好您好您好您好您好</p>",
    ),
    "lookalike": content(subject=f"Re: {LOOKALIKE}", sender=f'"{LOOKALIKE}" <hello@acme.test>'),
    "long": content(subject=LONG, to=tuple(f"Recipient {n} <r{n}@inbox.test>" for n in range(9)), text="x" * 999),
    "smtputf8": content(to=("用户@例子.test", "Jörg <jörg@inbox.test>")),
}


def read(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    assert not any(part.defects for part in message.walk())
    return message


def names(raw: bytes, field: str) -> list[str]:
    """With the older parser: the newer one of Python 3.11 puts spaces between adjacent encoded words of a name."""
    value = message_from_bytes(raw)[field]
    return [str(make_header(decode_header(name))) for name, _ in getaddresses([value])]


def body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    payload = part.get_payload(decode=True) if part else None
    return payload.decode() if isinstance(payload, bytes) else None


def lines_of(text: str) -> str:
    text = re.sub("\r\n|\r|\n", "\r\n", text)
    return text if not text or text.endswith("\r\n") else text + "\r\n"


@pytest.mark.parametrize("name", CASES)
def test_a_message_is_this_octet_by_octet(name: str) -> None:
    assert compose(CASES[name]) == (GOLDEN / f"{name}.eml").read_bytes()


@pytest.mark.parametrize("name", CASES.keys() - {"smtputf8"})
def test_only_clean_lines_leave(name: str) -> None:
    assert_clean(compose(CASES[name]))


def test_only_an_address_that_needs_smtputf8_brings_eight_bits_into_the_header() -> None:
    raw = compose(CASES["smtputf8"])
    assert re.findall(rb"[^\r\n]*[^\x00-\x7f][^\r\n]*", raw) == [
        "To: 用户@xn--fsqu00a.test, =?utf-8?b?SsO2cmc=?= <jörg@inbox.test>".encode()
    ]
    assert_clean(re.sub(rb"[^\x00-\x7f]", b"x", raw))


_CHARACTERS = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
_ODD = 'a.B?=_ "\\(),:;<>@=?é\U0001f600\u00a0'
_TEXT = (
    st.text(_CHARACTERS, max_size=90) | st.text(_ODD, max_size=60) | st.just(LOOKALIKE) | st.text("ab ", max_size=99)
)
_BODY = (
    st.none()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
    | st.text("a. =\t\r\n\0\x1b\x7fé", max_size=99)
)


@settings(max_examples=50, deadline=None)
@given(_TEXT, _TEXT, _BODY, _BODY)
@example("x " * 600, "y" * 320, "z" * 999, "\n" * 999)
@example("x" * 3000, "é" * 320, "é" * 5000, "=" * 5000)
def test_what_was_written_is_what_is_read(subject: str, name: str, text: str | None, html: str | None) -> None:
    sender = Address(local="hello", domain="acme.test", name=name[:320])
    composed = Content(
        sender=sender,
        to=(Address(local="ann", domain="inbox.test", name=name[:320]),) * 2,
        subject=subject,
        text=text if html is not None or text is not None else "",
        html=html,
        message_id="1@acme.test",
        date=datetime(2026, 1, 2, tzinfo=UTC),
    )
    raw = compose(composed)
    assert_clean(raw)
    message = read(raw)
    assert message["Subject"] == subject
    for field in ("From", "To"):
        assert set(names(raw, field)) == {sender.name}
    assert [address.addr_spec for address in message["To"].addresses] == ["ann@inbox.test"] * 2
    assert body(message, "plain") == (None if composed.text is None else lines_of(composed.text))
    assert body(message, "html") == (None if html is None else lines_of(html))


@settings(max_examples=20)
@given(
    st.datetimes(
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30))]), min_value=datetime(1970, 1, 2)
    )
)
def test_the_date_is_read_back(moment: datetime) -> None:
    raw = compose(Content(**{name: getattr(CASES["text"], name) for name in Content.__slots__} | {"date": moment}))
    assert read(raw)["Date"].datetime == moment.replace(microsecond=0)


def test_a_control_character_cannot_enter_a_header() -> None:
    for control, place in itertools.product(CONTROLS, ("", "Your order", "Grüße")):
        with pytest.raises(Invalid, match="subject") as refusal:
            compose(content(subject=f"{place}{control}Bcc: eve@evil.test"))
        assert refusal.value.details == {"field": "subject"}
    for control in CONTROLS:
        for bad in (f"A{control}nn <ann@acme.test>", f'"A{control}" <ann@acme.test>', f"a{control}nn@acme.test"):
            with pytest.raises(Invalid, match="control character"):
                content(sender=bad)
            with pytest.raises(Invalid, match="control character"):
                content(to=("ann@inbox.test", bad))


def test_a_control_character_in_a_body_never_leaves_as_such() -> None:
    for control in CONTROLS:
        if "\ud800" <= control <= "\udfff":
            continue
        written = f"a{control}b\n"
        raw = compose(content(text=written, html=written))
        assert_clean(raw)
        assert body(read(raw), "plain") == body(read(raw), "html") == lines_of(written)
        assert_clean(compose(content(text=written)))


def test_a_refused_body_is_named() -> None:
    for field, bad in (("text_body", content(text="\udc00")), ("html_body", content(html="\udc00"))):
        with pytest.raises(Invalid, match=f"{field} contains half a character") as refusal:
            compose(bad)
        assert refusal.value.details == {"field": field}


@pytest.mark.parametrize("around", ["{}", "Re: {}", "{} end", "a{}b", "({})", "{}{}", '"{}"', "=?{}", "{}?="])
def test_what_looks_like_an_encoded_word_is_read_as_it_was_written(around: str) -> None:
    written = around.replace("{}", LOOKALIKE)
    quoted = written.replace('"', '\\"')
    raw = compose(content(subject=written, sender=f'"{quoted}" <hello@acme.test>'))
    assert LOOKALIKE.encode() not in raw
    message = read(raw)
    assert message["Subject"] == written
    assert names(raw, "From") == [written]
    assert message["Bcc"] is None


def test_a_message_has_the_fields_it_needs_and_each_of_them_once() -> None:
    for case in CASES.values():
        fields = re.findall(rb"(?m)^([A-Za-z-]+):", header_of(compose(case)))
        assert fields[:7] == [b"Date", b"From", b"To", b"Subject", b"Message-ID", b"MIME-Version", b"Content-Type"]
        assert len(set(fields)) == len(fields)


def test_the_same_content_gives_the_same_octets() -> None:
    assert compose(CASES["unicode"]) == compose(CASES["unicode"])


def test_another_message_has_another_boundary() -> None:
    fields = {name: getattr(CASES["alternative"], name) for name in Content.__slots__}
    boundaries = {read(compose(Content(**fields | {"message_id": f"{n}@acme.test"}))).get_boundary() for n in range(3)}
    assert len(boundaries) == 3


def test_a_body_that_contains_the_boundary_gets_another_one() -> None:
    first = read(compose(content(text="a", html="b"))).get_boundary()
    raw = compose(content(text=f"--{first}\n", html=f"--{first}--\n"))
    message = read(raw)
    assert message.get_boundary() != first
    assert body(message, "plain") == f"--{first}\r\n"
    assert body(message, "html") == f"--{first}--\r\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("", "7bit"),
        ("plain\tASCII\r\n", "7bit"),
        ("x" * 998, "7bit"),
        ("x" * 999, "quoted-printable"),
        ("bell \a", "quoted-printable"),
        ("nul \0", "quoted-printable"),
        ("delete \x7f", "quoted-printable"),
        ("Grüße", "base64"),
        ("Grüße aus Köln und der Umgebung", "quoted-printable"),
        ("您好" * 20, "base64"),
        ("=" * 999, "base64"),
    ],
)
def test_a_body_takes_the_shortest_encoding_that_is_safe(text: str, encoding: str) -> None:
    message = read(compose(content(text=text)))
    assert message["Content-Transfer-Encoding"] == encoding
    assert body(message, "plain") == lines_of(text)


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"])
def test_every_line_end_becomes_crlf(line_end: str) -> None:
    for word in ("one", "öne"):
        message = read(compose(content(text=f"{word}{line_end}{line_end}two")))
        assert body(message, "plain") == f"{word}\r\n\r\ntwo\r\n"


def test_the_text_comes_before_the_html() -> None:
    parts = [part.get_content_type() for part in read(compose(CASES["alternative"])).walk()]
    assert parts == ["multipart/alternative", "text/plain", "text/html"]

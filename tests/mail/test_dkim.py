import base64
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.mail import dkim

PRIVATE_DER = dkim.generate_private_key()
RECORD = dkim.dns_value(dkim.public_record(PRIVATE_DER)).encode()
KEY = dkim.SigningKey.load("acme.test", "postscale", PRIVATE_DER)
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

MESSAGE = (
    b"Date: Fri, 2 Jan 2026 03:04:05 +0000\r\n"
    b"From: Acme <hello@acme.test>\r\n"
    b"To: Ann <ann@inbox.test>\r\n"
    b"Subject: One\r\n two\r\n"
    b"Message-ID: <1@acme.test>\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 7bit\r\n"
    b"List-Unsubscribe: <https://acme.test/u>\r\n"
    b"X-PS-ID: abc\r\n"
    b"X-Other: not signed\r\n"
    b"\r\n"
    b"Hello\r\n"
)


def signed(message: bytes) -> bytes:
    return dkim.sign(message, KEY, at=AT) + message


def verifies(message: bytes) -> bool:
    """dkimpy's verifier is the judge; what it asks the DNS for must be our name."""

    def txt(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"postscale._domainkey.acme.test."
        return RECORD

    return bool(dkimpy.verify(message, dnsfunc=txt))


def tags(message: bytes) -> dict[str, str]:
    field = dkim.sign(message, KEY, at=AT).decode("ascii").partition(":")[2]
    pairs = (tag.partition("=") for tag in field.split(";"))
    return {name.strip(): re.sub(r"\s", "", value) for name, _, value in pairs}


def body_hash(canonical: bytes) -> str:
    return base64.b64encode(hashlib.sha256(canonical).digest()).decode("ascii")


# VT and FF at the ends of a value are left out: dkimpy strips them too, RFC 6376 only SP and HTAB.
_WORDS = st.text("aZ;:=é\x01 \t", max_size=12).map(str.encode)
_NAMES = st.sampled_from(
    [
        b"To",
        b"to",
        b"CC",
        b"Subject",
        b"SUBJECT",
        b"Received",
        b"X-PS-ID",
        b"Content-Type",
        b"List-Unsubscribe",
        b"from",
    ]
)
_VALUES = st.lists(_WORDS, min_size=1, max_size=3).map(b"\r\n ".join) | st.lists(_WORDS, max_size=3).map(b"\r\n\t".join)
_FIELDS = st.lists(st.tuples(_NAMES, st.sampled_from([b":", b": ", b":\t "]), _VALUES).map(b"".join), max_size=8)
_LINES = st.lists(st.text("a.=é \t\x00\x0b\x0c\x85", max_size=8).map(str.encode) | st.just(b""), max_size=8)


@settings(max_examples=40, deadline=None)
@given(_FIELDS, _LINES)
def test_whatever_is_signed_verifies(fields: list[bytes], lines: list[bytes]) -> None:
    message = b"".join(field + b"\r\n" for field in [b"From: a@acme.test", *fields, b""])
    assert verifies(signed(message + b"".join(line + b"\r\n" for line in lines)))


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"\r\n",
        b"\r\n\r\n\r\n",
        b"\r\n \r\n\t\r\n",
        b"\r\n\r\n x\r\n",
        b"\r\nx \t \r\n\r\n",
        b"\r\n.\r\n..\r\n",
        b"\r\n" + b"x" * 200_000 + b"\r\n",
    ],
)
def test_odd_bodies_verify(rest: bytes) -> None:
    assert verifies(signed(b"From: a@acme.test\r\n" + rest))


@pytest.mark.parametrize("rest", [b"\r\nHello", b"\r\nHello ", b"\r\nHello\r\n\t", b"\r\n ", b""])
def test_a_message_that_does_not_end_its_last_line_verifies_once_smtp_has_ended_it(rest: bytes) -> None:
    message = b"From: a@acme.test\r\n" + rest
    assert verifies(dkim.sign(message, KEY, at=AT) + message + b"\r\n")


def test_a_header_alone_without_even_its_line_end_is_signed() -> None:
    message = b"From: a@acme.test"
    assert verifies(dkim.sign(message, KEY, at=AT) + message + b"\r\n")


@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),  # the example of RFC 6376 §3.4.5
        (b"\r\n\r\na", b"\r\n\r\na\r\n"),
        (b"a" + b" " * 70_000 + b"b \r\n", b"a b\r\n"),
        (b"a \t\r\n" * 30_000 + b"\r\n" * 70_000, b"a\r\n" * 30_000),
        (b"\t\r\n" * 70_000 + b"a", b"\r\n" * 70_000 + b"a\r\n"),
        (b"a\r\n" + b"\r\n" * 70_000 + b"b\x0b \x0c\r\n", b"a\r\n" + b"\r\n" * 70_000 + b"b\x0b \x0c\r\n"),
    ],
    ids=range(8),
)
def test_the_body_is_hashed_in_its_relaxed_form(body: bytes, canonical: bytes) -> None:
    assert tags(b"From: a@acme.test\r\n\r\n" + body)["bh"] == body_hash(canonical)


@pytest.mark.parametrize("around", [65_534, 65_535, 65_536, 65_537, 131_072])
@pytest.mark.parametrize("middle", [b"\r\n", b" \r\n", b"\r\n\r\n", b"\t \r\n\r\n \r\n"])
def test_the_seams_between_chunks_do_not_show(around: int, middle: bytes) -> None:
    message = b"From: a@acme.test\r\n\r\n" + b"x" * (around - 21) + middle + b"y" * 40_000 + middle
    assert verifies(signed(message))


def test_the_signature_says_what_it_should_and_no_more() -> None:
    said = tags(MESSAGE)
    assert list(said) == ["v", "a", "c", "d", "s", "t", "h", "bh", "b"]
    assert (said["v"], said["a"], said["c"]) == ("1", "rsa-sha256", "relaxed/relaxed")
    assert (said["d"], said["s"], said["t"]) == ("acme.test", "postscale", str(int(AT.timestamp())))


ONCE_MORE = [
    *("From", "Reply-To", "Sender", "To", "Cc", "Subject", "Date", "Message-ID"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
]


def test_what_a_reader_sees_is_named_once_more_than_it_occurs() -> None:
    named = tags(MESSAGE)["h"].split(":")
    for name in ONCE_MORE:
        present = len(re.findall(rb"(?m)^" + name.encode() + rb":", MESSAGE))
        assert named.count(name) == present + 1
    assert named.count("List-Unsubscribe") == named.count("X-PS-ID") == 1
    assert "X-Other" not in named


def test_all_of_several_fields_of_one_name_are_signed() -> None:
    message = signed(b"To: one@inbox.test\r\nto: two@inbox.test\r\n" + MESSAGE)
    assert verifies(message)
    for address in (b"one@", b"two@", b"ann@"):
        assert not verifies(message.replace(address, b"eve@"))


@pytest.mark.parametrize("name", ONCE_MORE)
@pytest.mark.parametrize("place", ["top", "bottom"])
def test_adding_a_field_that_a_reader_sees_breaks_the_signature(name: str, place: str) -> None:
    added = f"{name}: evil\r\n".encode()
    spoilt = {
        "top": added + signed(MESSAGE),
        "bottom": signed(MESSAGE).replace(b"\r\n\r\n", b"\r\n" + added + b"\r\n", 1),
    }
    assert verifies(signed(MESSAGE))
    assert not verifies(spoilt[place])


@pytest.mark.parametrize("part", [b"Acme", b"Ann", b"two", b"/u>", b"abc", b"Hello", b"charset", b"7bit"])
def test_changing_anything_signed_breaks_the_signature(part: bytes) -> None:
    assert not verifies(signed(MESSAGE).replace(part, b"evil"))


def test_nothing_can_be_appended() -> None:
    assert not verifies(signed(MESSAGE) + b"evil\r\n")


def test_what_relays_do_does_no_harm() -> None:
    message = signed(MESSAGE).replace(b"One\r\n two", b"One two").replace(b"\r\nTo: ", b"\r\nTO:   ")
    relayed = b"Received: from x by y;\r\n now\r\n" + message.replace(b"X-Other: not signed", b"X-Other: changed")
    assert verifies(relayed + b"\r\n\r\n")


def test_the_field_is_folded_and_complete() -> None:
    field = dkim.sign(MESSAGE, KEY, at=AT)
    assert field.startswith(b"DKIM-Signature: v=1;")
    assert field.endswith(b"\r\n")
    lines = field[:-2].split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])


def test_a_long_domain_is_signed_for() -> None:
    domain = ".".join(["a" * 63] * 3 + ["b" * 50, "test"])
    key = dkim.SigningKey.load(domain, "postscale", PRIVATE_DER)
    field = dkim.sign(MESSAGE, key, at=AT)
    assert max(map(len, field.split(b"\r\n"))) < 998
    assert dkimpy.verify(field + MESSAGE, dnsfunc=lambda name, timeout=5: RECORD)


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"x", b" "]), max_size=10).map(b"".join),
    st.sampled_from([0, 65_510]),
)
def test_a_bare_cr_or_lf_is_never_signed(tail: bytes, padding: int) -> None:
    message = b"From: a@acme.test\r\n\r\n" + b"x" * padding + tail
    if re.search(rb"\r(?!\n)|(?<!\r)\n", message):
        with pytest.raises(ValueError, match="bare CR or LF"):
            dkim.sign(message, KEY, at=AT)
    else:
        assert dkim.sign(message, KEY, at=AT)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"", "no header field"),
        (b"\r\nFrom: a@acme.test\r\n", "no header field"),
        (b"To: a@acme.test\r\n\r\nFrom: a@acme.test\r\n", "without From"),
        (b" folded: first\r\nFrom: a@acme.test\r\n", "no header field"),
        (b"From: a@acme.test\r\nnonsense\r\n\r\n", "no header field"),
        (b"From nobody Thu Jan  1\r\nFrom: a@acme.test\r\n\r\n", "no header field"),
        (b"From: a@acme.test\r\nSub ject: x\r\n\r\n", "no header field"),
        (b"From: a@acme.test\r\n: x\r\n\r\n", "no header field"),
        (b"From: a@acme.test\r\n\xc3\xa9: x\r\n\r\n", "no header field"),
    ],
)
def test_what_has_no_one_reading_is_not_signed(message: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        dkim.sign(message, KEY, at=AT)


def test_space_before_the_colon_belongs_to_nothing() -> None:
    spaced = MESSAGE.replace(b"Subject:", b"Subject \t:")
    assert tags(spaced)["h"] == tags(MESSAGE)["h"]


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        dkim.sign(MESSAGE, KEY, at=AT.replace(tzinfo=None))


def test_a_new_key_is_rsa_2048_and_its_record_is_its_public_half() -> None:
    public = serialization.load_der_public_key(base64.b64decode(dkim.public_record(PRIVATE_DER), validate=True))
    assert isinstance(public, rsa.RSAPublicKey)
    assert public.key_size == 2048
    assert public == KEY.private_key.public_key()
    assert RECORD.startswith(b"v=DKIM1; k=rsa; p=MII")


def test_a_key_never_shows_itself() -> None:
    assert repr(KEY) == "SigningKey(domain='acme.test', selector='postscale')"


def _der(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.mark.parametrize(
    "make", [lambda: _der(ec.generate_private_key(ec.SECP256R1())), lambda: b"", lambda: PRIVATE_DER[:-9]]
)
def test_what_is_no_rsa_key_is_not_loaded(make: Callable[[], bytes]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (the library's own words for two of them)
        dkim.SigningKey.load("acme.test", "postscale", make())

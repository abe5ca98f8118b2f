from datetime import datetime

import pytest

from chalicelib.errors import Invalid
from chalicelib.mail.message import MAX_HEADER_OCTETS, Content, compose, fold
from tests.mail.composed import assert_clean, content


def test_a_header_may_be_large_but_not_larger() -> None:
    largest = MAX_HEADER_OCTETS - 1_000
    assert_clean(compose(content(subject="a" * 70 + " x" * (largest // 2 - 1_500))))
    with pytest.raises(Invalid, match=f"over {MAX_HEADER_OCTETS} octets"):
        compose(content(subject="x " * (MAX_HEADER_OCTETS // 2 - 1) + "x"))
    with pytest.raises(Invalid, match="subject is far too long"):
        compose(content(subject="é" * (MAX_HEADER_OCTETS + 1)))


@pytest.mark.parametrize(
    "bad", ["", "a", "@", "a@", "a@b c", "<a@b>", "a@b\r\nBcc: x", "a@@b", "é@b", "a@" + "b" * 250]
)
def test_a_message_id_that_is_none_is_refused(bad: str) -> None:
    fields = {name: getattr(content(), name) for name in Content.__slots__}
    with pytest.raises(Invalid, match="message_id"):
        compose(Content(**fields | {"message_id": bad}))


def test_a_message_without_recipients_content_or_time_zone_is_refused() -> None:
    with pytest.raises(Invalid, match="at least one recipient"):
        compose(content(to=()))
    with pytest.raises(Invalid, match="text_body, html_body or both"):
        compose(content(text=None))
    fields = {name: getattr(content(), name) for name in Content.__slots__}
    with pytest.raises(ValueError, match="time zone"):
        compose(Content(**fields | {"date": datetime(2026, 1, 2)}))


def test_a_field_is_folded_before_a_word_that_would_cross_the_78th_column() -> None:
    assert fold("X-Test", [b"a" * 70, b"b"]) == b"X-Test: " + b"a" * 70 + b"\r\n b\r\n"
    assert fold("X-Test", [b"a" * 68, b"b"]) == b"X-Test: " + b"a" * 68 + b" b\r\n"
    assert fold("X-Test", []) == b"X-Test:\r\n"

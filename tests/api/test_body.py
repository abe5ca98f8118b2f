import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api import body
from chalicelib.errors import Invalid, Refused, TooLarge


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":1,"a":2}',
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"a":"\xff"}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":"\x00"}',
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-32"),
        b'\xef\xbb\xbf{"a":1}',
        b"{'a':1}",
        b'{"a":1} x',
        json.dumps({str(n): n for n in range(60_000)}).encode()[:-1] + b',"59999":1}',
    ],
)
def test_whatever_is_not_one_json_object_is_refused_in_words(raw: bytes) -> None:
    started = time.monotonic()
    with pytest.raises(Invalid) as refused:
        body.parse(raw)
    assert 10 < len(refused.value.message) < 300
    assert time.monotonic() - started < 1


@given(st.binary(max_size=200))
def test_any_bytes_are_either_an_object_or_refused(raw: bytes) -> None:
    with contextlib.suppress(Refused):
        assert isinstance(body.parse(raw), dict)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.booleans())))
def test_an_object_comes_through_as_it_was(sent: dict[str, object]) -> None:
    assert body.parse(json.dumps(sent).encode()) == sent
    assert body.parse(json.dumps(sent, ensure_ascii=False).encode()) == sent


def test_too_many_octets_are_counted_for_the_caller() -> None:
    with pytest.raises(TooLarge, match=r"4194305 octets .* 4194304 \(4 MB\)"):
        body.parse(b" " * (body.MAX_OCTETS + 1))

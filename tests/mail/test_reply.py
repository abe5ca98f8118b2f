import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.mail import reply
from chalicelib.mail.reply import Reply

READ = [
    (["250 OK"], Reply(code=250, enhanced=None, text="OK")),
    (["250"], Reply(code=250, enhanced=None, text="")),
    (["250 "], Reply(code=250, enhanced=None, text="")),
    (["250 2.0.0 queued as 7F2"], Reply(code=250, enhanced="2.0.0", text="queued as 7F2")),
    (["550 5.1.1"], Reply(code=550, enhanced="5.1.1", text="")),
    (["550 5.1.1\tno such user"], Reply(code=550, enhanced="5.1.1", text="no such user")),
    (["550 5.7.1   too   many"], Reply(code=550, enhanced="5.7.1", text="too   many")),
    (
        ["550-5.1.1 The account that you tried", "550-5.1.1 to reach does not exist.", "550 5.1.1 See below"],
        Reply(code=550, enhanced="5.1.1", text="The account that you tried to reach does not exist. See below"),
    ),
    (
        ["250-mx.inbox.test", "250-SIZE 1000", "250 HELP"],
        Reply(code=250, enhanced=None, text="mx.inbox.test SIZE 1000 HELP"),
    ),
    (["250-", "250 done"], Reply(code=250, enhanced=None, text="done")),
]


@pytest.mark.parametrize(("lines", "expected"), READ)
def test_a_reply_is_read(lines: list[str], expected: Reply) -> None:
    assert reply.parse(lines) == expected


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        ["hello"],
        ["25"],
        ["250OK"],
        ["150 wait"],
        ["650 no"],
        ["0250 OK"],
        [" 250 OK"],
        ["250\tOK"],
        ["\u0662\u0665\u0660 OK"],
        ["2\u06650 OK"],
    ],
)
def test_what_is_no_reply_is_refused(lines: list[str]) -> None:
    with pytest.raises(ValueError, match="not an SMTP reply"):
        reply.parse(lines)


@pytest.mark.parametrize(
    "text",
    ["4.2.2 full", "2.1.1 odd", "5.1.1.1 odd", "5.1.1234 odd", "5.1 odd", "5.1.1, odd", "5.1.\u0661 odd", "x 5.1.1"],
)
def test_an_enhanced_code_of_another_class_or_shape_stays_text(text: str) -> None:
    assert reply.parse([f"550 {text}"]) == Reply(code=550, enhanced=None, text=text)


def test_only_the_whole_enhanced_code_is_dropped_from_the_lines_after_the_first() -> None:
    read = reply.parse(["550-5.1.1 first", "550-5.1.10 second", "550 5.1.1"])
    assert read == Reply(code=550, enhanced="5.1.1", text="first 5.1.10 second")


def test_a_reply_reads_as_people_know_it() -> None:
    assert str(Reply(code=550, enhanced="5.1.1", text="unknown")) == "550 5.1.1 unknown"
    assert str(Reply(code=250, enhanced=None, text="")) == "250"


@settings(max_examples=30)
@given(st.integers(200, 599), st.lists(st.text("abc .-5", max_size=12), max_size=4))
def test_whatever_a_server_writes_after_the_code_is_read(code: int, texts: list[str]) -> None:
    read = reply.parse([*(f"{code}-{text}" for text in texts), f"{code} end"])
    assert read.code == code
    assert read.text.endswith("end")

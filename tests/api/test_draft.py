from typing import Any

import pytest

from chalicelib.api import draft
from chalicelib.errors import Invalid

GOOD: dict[str, Any] = {
    "from": "Shop <orders@acme.test>",
    "to": ["ann@inbox.test"],
    "subject": "Order 77",
    "text_body": "Order 77",
}


def test_a_good_body_becomes_a_draft() -> None:
    made = draft.parse(GOOD | {"html_body": "<p>Order 77</p>"})
    assert made.sender.addr_spec == "orders@acme.test"
    assert made.sender.name == "Shop"
    assert (made.subject, made.text, made.html) == ("Order 77", "Order 77", "<p>Order 77</p>")


def test_a_single_address_is_a_list_of_one() -> None:
    assert [to.addr_spec for to in draft.parse(GOOD | {"to": "ann@inbox.test"}).to] == ["ann@inbox.test"]


def test_a_recipient_who_is_there_twice_gets_one_message() -> None:
    assert len(draft.parse(GOOD | {"to": ["ann@inbox.test", "Ann <ann@INBOX.test>"]}).to) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"from": None}, "'from' is missing"),
        ({"from": " "}, "'from' must not be empty"),
        ({"from": "nobody"}, "'from'"),
        ({"to": None}, "'to' is missing"),
        ({"to": []}, "'to' must be a list"),
        ({"to": [1]}, "'to' must be a list"),
        ({"to": [""]}, "'to'"),
        ({"to": {"email": "a@b.test"}}, "'to' must be a list"),
        ({"to": ["a@b.test, c@d.test"]}, "'to'"),
        ({"subject": None}, "'subject' is missing"),
        ({"subject": ""}, "'subject' must not be empty"),
        ({"subject": 5}, "'subject' must be a string"),
        ({"text_body": ""}, "text_body or html_body"),
        ({"text_body": None}, "text_body or html_body"),
        ({"html_body": ["x"]}, "'html_body' must be a string"),
        ({"html": "<p>"}, "did you mean 'html_body'"),
        ({"colour": "red"}, "'colour' is not known here; these are: from, html_body, subject, text_body, to"),
        ({"subjct": "x"}, "did you mean 'subject'"),
    ],
)
def test_a_bad_body_is_refused_in_words_that_name_the_field(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        draft.parse(GOOD | change)


def test_a_hundred_and_one_recipients_are_one_too_many() -> None:
    many = [f"user{number}@inbox.test" for number in range(101)]
    assert len(draft.parse(GOOD | {"to": many[:100]}).to) == 100
    with pytest.raises(Invalid) as refused:
        draft.parse(GOOD | {"to": many})
    assert refused.value.code == "too_many_recipients"


@pytest.mark.parametrize("address", ["ann@inbox.test", "ä@bücher.test"])
def test_an_endless_list_is_refused_before_it_is_read(address: str) -> None:
    with pytest.raises(Invalid) as refused:
        draft.parse(GOOD | {"to": [address] * 300_000})
    assert refused.value.code == "too_many_recipients"

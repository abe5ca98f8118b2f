import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.outbound import queue
from chalicelib.outbound.queue import Job
from tests.events import made

JOBS = st.builds(
    Job,
    account_id=st.just("abcdefgh"),
    email_id=st.just(made.EMAIL_ID),
    number=st.integers(0, 99),
    attempt=st.integers(1, 25),
    recipient=st.text(max_size=30),
    sender=st.text(max_size=30),
    domain=st.just("acme.test"),
    not_before=st.floats(0, 4e9),
    content=st.binary(max_size=200),
    object=st.none(),
)


@given(JOBS)
def test_a_job_comes_out_of_the_queue_as_it_went_in(job: Job) -> None:
    assert queue.decode(queue.encode(job)) == job


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", "null", '{"content":"AA==","object":"x"}', '{"account":1}'])
def test_what_is_no_job_is_refused_in_one_of_three_ways(body: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        queue.decode(body)


def test_a_job_says_nothing_twice() -> None:
    job = made.job(content=None, object="content/20251121/x")
    assert set(json.loads(queue.encode(job))) == {
        "account", "email_id", "n", "attempt", "to", "from", "domain", "not_before", "object",
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"to": None},
        {"email_id": 5},
        {"n": 1e999},
        {"n": 1.5},
        {"attempt": "1"},
        {"not_before": float("nan")},
        {"to": 7},
    ],
)
def test_a_job_with_a_field_of_another_kind_is_no_job(change: dict[str, object]) -> None:
    good = {"account": "a", "email_id": str(made.EMAIL_ID), "n": 0, "attempt": 1, "to": "a@b.test", "from": "c@d.test"}
    body = json.dumps(good | {"domain": "d.test", "not_before": 0, "object": "x"} | change)
    with pytest.raises((KeyError, TypeError, ValueError)):
        queue.decode(body)

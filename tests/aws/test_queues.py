"""What SQS refuses in part is sent again, and what it takes at most is kept to (botocore's stub)."""

from collections.abc import Iterator

import pytest
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.clients import Clients
from chalicelib.aws.queues import Queue, _batches
from chalicelib.errors import Unavailable

URL = "https://sqs.us-east-1.amazonaws.com/1/outbound"


@pytest.fixture
def clients() -> Clients:
    return Clients()


@pytest.fixture
def sqs(aws: object, clients: Clients) -> Iterator[Stubber]:
    with Stubber(clients("sqs")) as stub:
        yield stub


def answer(stub: Stubber, sent: list[str], failed: list[str]) -> None:
    entries = [{"Id": one, "MessageBody": ANY, "MessageGroupId": "a"} for one in sent]
    good = [{"Id": one, "MessageId": "m", "MD5OfMessageBody": "x"} for one in sent if one not in failed]
    bad = [{"Id": one, "SenderFault": False, "Code": "InternalError"} for one in failed]
    stub.add_response("send_message_batch", {"Successful": good, "Failed": bad}, {"QueueUrl": URL, "Entries": entries})


@pytest.mark.steps
def test_only_what_failed_is_sent_again(clients: Clients, sqs: Stubber) -> None:
    answer(sqs, ["0", "1", "2"], failed=["1"])
    answer(sqs, ["1"], failed=[])
    Queue(clients, URL).send([("x", "a", 0)] * 3)
    sqs.assert_no_pending_responses()


@pytest.mark.steps
def test_what_fails_three_times_is_not_held(clients: Clients, sqs: Stubber) -> None:
    for _ in range(3):
        answer(sqs, ["0"], failed=["0"])
    with pytest.raises(Unavailable):
        Queue(clients, URL).send([("x", "a", 0)])


@given(st.lists(st.integers(1, 700_000), max_size=40))
def test_a_request_has_ten_messages_and_one_mebibyte_at_most(sizes: list[int]) -> None:
    messages = [("x" * size, "a", 0) for size in sizes]
    batches = list(_batches(messages))
    assert [message for batch in batches for message in batch] == messages
    assert all(1 <= len(batch) <= 10 for batch in batches)
    assert all(sum(len(body) for body, _, _ in batch) <= 1_048_576 for batch in batches)

"""Plain dictionaries in, plain dictionaries out, and every partial failure seen through (moto, botocore's stub)."""

from typing import Any

import pytest
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.clients import Clients
from chalicelib.aws.tables import Table, marshal, unmarshal
from chalicelib.errors import ConditionFailed, Unavailable

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**37), 10**37) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1), VALUES, max_size=5))
def test_what_goes_in_comes_out(item: dict[str, Any]) -> None:
    assert unmarshal(marshal(item)) == item


def test_what_dynamodb_cannot_hold_is_refused_before_it_is_sent() -> None:
    with pytest.raises(TypeError, match="float"):
        marshal({"rate": 0.5})


@pytest.fixture
def table(aws: dict[str, str]) -> Table:
    return Table(Clients(), aws["ACCOUNTS_TABLE"])


@pytest.mark.steps
def test_a_lost_condition_tells_what_stands_instead(table: Table) -> None:
    table.put({"pk": "a", "sk": "b", "n": 1})
    with pytest.raises(ConditionFailed) as lost:
        table.update(("a", "b"), "SET #n = :n", {"n": 3, "two": 2}, only_if="#n = :two")
    assert lost.value.item == {"pk": "a", "sk": "b", "n": 1}


@pytest.mark.steps
def test_all_pages_of_a_query_are_read(table: Table) -> None:
    table.put_all([{"pk": "a", "sk": f"{n:03}", "filler": "x" * 30_000} for n in range(60)])
    assert [item["sk"] for item in table.query("a")] == [f"{n:03}" for n in range(60)]
    assert [item["sk"] for item in table.query("a", prefix="01")] == [f"01{n}" for n in range(10)]
    assert [item["sk"] for item in table.query("a", between=("005", "007"))] == ["005", "006", "007"]


@pytest.mark.steps
def test_what_is_left_unprocessed_is_offered_again(table: Table) -> None:
    left = {table.name: [{"PutRequest": {"Item": marshal({"pk": "a", "sk": "2"})}}]}
    with Stubber(table.clients("dynamodb")) as stub:
        stub.add_response("batch_write_item", {"UnprocessedItems": left}, {"RequestItems": ANY})
        stub.add_response("batch_write_item", {"UnprocessedItems": {}}, {"RequestItems": left})
        table.put_all([{"pk": "a", "sk": str(n)} for n in range(3)])
        stub.assert_no_pending_responses()


@pytest.mark.steps
def test_what_stays_unprocessed_is_no_success(table: Table) -> None:
    left = {table.name: [{"PutRequest": {"Item": marshal({"pk": "a", "sk": "2"})}}]}
    with Stubber(table.clients("dynamodb")) as stub:
        for _ in range(5):
            stub.add_response("batch_write_item", {"UnprocessedItems": left})
        with pytest.raises(Unavailable):
            table.put_all([{"pk": "a", "sk": "2"}])


@pytest.mark.steps
@pytest.mark.parametrize(
    "code", ["ProvisionedThroughputExceededException", "InternalServerError", "ValidationException"]
)
def test_every_failure_of_the_service_is_temporary(table: Table, code: str) -> None:
    with Stubber(table.clients("dynamodb")) as stub:
        stub.add_client_error("get_item", code)
        with pytest.raises(Unavailable, match=code):
            table.get(("a", "b"))

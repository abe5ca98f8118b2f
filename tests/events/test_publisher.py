"""The stream's changes → bus and counters, on moto: exact, however often they come."""

import json
from typing import Any

import pytest

from chalicelib.aws.bus import Bus
from chalicelib.aws.clients import Clients
from chalicelib.aws.records import Change
from chalicelib.aws.tables import Table, marshal
from chalicelib.events.counters import Counters
from chalicelib.events.delivery import Delivery, Status
from chalicelib.events.publisher import Publisher
from tests.events import made

pytestmark = pytest.mark.steps

DAYS = ("20251101", "20251130")
ACCEPTED = made.delivery()
LEASED = made.delivery(attempt=1, owner="one", lease_until=9)
DELIVERED = made.delivery(status=Status.DELIVERED, concluded=1, attempts=(made.attempt(1, "delivered"),))
BOUNCED = made.delivery(status=Status.BOUNCED, attempts=(made.attempt(1, "bounced", bounce_type="hard"),))


def change(sequence: int, old: Delivery | None, new: Delivery | None) -> Change:
    images = {"OldImage": old, "NewImage": new}
    told = {name: marshal(delivery.to_item()) for name, delivery in images.items() if delivery}
    return Change(sequence=str(sequence), images=told)


JOURNEY = [change(98, None, ACCEPTED), change(99, ACCEPTED, LEASED), change(100, LEASED, DELIVERED)]


@pytest.fixture
def publisher(aws: dict[str, str]) -> Publisher:
    clients = Clients()
    counters = Counters(Table(clients, aws["COUNTERS_TABLE"]))
    return Publisher(bus=Bus(clients, aws["EVENT_BUS"]), counters=counters, wanted=frozenset())


def totals(publisher: Publisher) -> dict[str, int]:
    return dict(publisher.counters.totals("abcdefgh", DAYS))


def test_a_journey_is_counted(publisher: Publisher) -> None:
    assert publisher.publish(JOURNEY) is None
    assert totals(publisher) == {"messages": 1, "queued": 1, "delivered": 1}


@pytest.mark.parametrize("first", [1, 2, 3])
def test_a_batch_that_comes_again_in_another_cut_is_counted_once(publisher: Publisher, first: int) -> None:
    publisher.publish(JOURNEY[:first])
    publisher.publish(JOURNEY)
    publisher.publish(JOURNEY[1:])
    assert totals(publisher) == {"messages": 1, "queued": 1, "delivered": 1}


def test_sequence_numbers_are_compared_as_numbers(publisher: Publisher) -> None:
    publisher.publish([change(99, None, ACCEPTED)])
    publisher.publish([change(100, ACCEPTED, BOUNCED)])
    assert totals(publisher) == {"messages": 1, "queued": 1, "bounced": 1, "hard_bounced": 1}


def test_totals_can_be_asked_for_one_domain_and_for_some_days(publisher: Publisher) -> None:
    publisher.publish([change(1, None, ACCEPTED), change(2, None, made.delivery(number=1, domain="other.test"))])
    counters = publisher.counters
    assert counters.totals("abcdefgh", DAYS, "acme.test") == {"messages": 1, "queued": 1}
    assert counters.totals("abcdefgh", DAYS, "other.test") == {"queued": 1}
    assert counters.totals("abcdefgh", ("20251201", "20251231")) == {}
    assert counters.totals("hgfedcba", DAYS) == {}


def test_what_leaves_the_table_is_no_event(publisher: Publisher) -> None:
    assert publisher.publish([change(1, ACCEPTED, None)]) is None
    assert totals(publisher) == {}


@pytest.mark.parametrize(
    "image", [{"pk": {"S": "x"}, "sk": {"S": "y"}}, {"n": {"N": "1.5"}}, {"n": {"S": "a", "N": "1"}}]
)
def test_a_record_that_cannot_be_read_costs_its_neighbours_nothing_and_is_told(
    publisher: Publisher, image: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Change(sequence="99", images={"NewImage": image})
    assert publisher.publish([JOURNEY[0], broken, JOURNEY[2]]) is None
    assert totals(publisher) == {"messages": 1, "queued": 1, "delivered": 1}
    assert "stream_record_unreadable" in capsys.readouterr().out


def test_a_message_that_could_not_be_queued_is_not_summed_up(publisher: Publisher) -> None:
    failed = made.delivery(status=Status.FAILED)
    publisher.publish([change(1, None, ACCEPTED), change(2, ACCEPTED, failed), change(3, failed, ACCEPTED)])
    publisher.publish([change(4, ACCEPTED, failed), change(5, failed, ACCEPTED), change(6, ACCEPTED, DELIVERED)])
    assert totals(publisher) == {"messages": 1, "queued": 1, "delivered": 1}


def test_while_the_counters_fail_the_batch_comes_again(publisher: Publisher, aws: dict[str, str]) -> None:
    away = Publisher(bus=publisher.bus, counters=Counters(Table(Clients(), "no-such-table")), wanted=frozenset())
    assert away.publish(JOURNEY) == "98"


@pytest.fixture
def listener(aws: dict[str, str]) -> Any:
    """A queue that a rule of the operator's own sends everything to; called, it returns what arrived."""
    clients = Clients()
    url = clients("sqs").create_queue(QueueName="listener")["QueueUrl"]
    arn = clients("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = json.dumps({"source": ["postscale"]})
    clients("events").put_rule(Name="all", EventBusName=aws["EVENT_BUS"], EventPattern=pattern)
    clients("events").put_targets(Rule="all", EventBusName=aws["EVENT_BUS"], Targets=[{"Id": "1", "Arn": arn}])

    def heard() -> list[Any]:
        answer = clients("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", ())]

    return heard


def test_the_bus_is_told_what_is_wanted_and_no_more(publisher: Publisher, listener: Any) -> None:
    wanting = Publisher(bus=publisher.bus, counters=publisher.counters, wanted=frozenset({"email.delivered"}))
    wanting.publish(JOURNEY)
    (event,) = listener()
    assert event["detail-type"] == "email.delivered"
    assert event["detail"]["event_id"] == f"{made.EMAIL_ID}.000.1.delivered"
    assert event["detail"]["recipient"] == "ann@inbox.test"


def test_nothing_is_put_when_nobody_wants_it(publisher: Publisher, listener: Any) -> None:
    publisher.publish(JOURNEY)
    assert listener() == []

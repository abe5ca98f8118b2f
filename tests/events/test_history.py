from chalicelib.events import history
from chalicelib.events.delivery import Status, from_item
from chalicelib.events.history import EventType
from tests.events import made


def test_a_delivery_remembers_itself_whole() -> None:
    told = made.delivery(
        status=Status.DEFERRED,
        attempt=1,
        concluded=1,
        attempts=(made.attempt(1, "deferred", code=451, enhanced="4.2.1", text="later", next_at=5),),
    )
    assert from_item(told.to_item()) == told


def test_events_come_in_the_order_in_which_they_happened() -> None:
    told = made.delivery(
        status=Status.DELIVERED,
        attempts=(made.attempt(1, "deferred"), made.attempt(2, "unknown"), made.attempt(3, "delivered")),
    )
    assert [event.type for event in history.of(told)] == [
        EventType.QUEUED,
        EventType.DEFERRED,
        EventType.DEFERRED,
        EventType.DELIVERED,
    ]


def test_only_what_is_new_is_told() -> None:
    before = made.delivery(attempts=(made.attempt(1, "deferred"),))
    after = made.delivery(attempts=(made.attempt(1, "deferred"), made.attempt(2, "bounced", bounce_type="hard")))
    assert [event.type for event in history.since(before, after)] == [EventType.BOUNCED]
    assert history.since(after, after) == []
    assert history.since(None, after) == history.of(after)


def test_taking_a_lease_is_no_event() -> None:
    leased = made.delivery(attempt=1, owner="somebody", lease_until=9)
    assert history.since(made.delivery(), leased) == []


def test_every_event_has_an_id_of_its_own() -> None:
    told = made.delivery(attempts=tuple(made.attempt(n, "deferred") for n in (1, 2, 3)))
    ids = {event.id for event in history.of(told)}
    assert len(ids) == 4
    assert f"{made.EMAIL_ID}.000.2.deferred" in ids


def test_a_simulated_message_was_never_queued() -> None:
    assert [event.type for event in history.of(made.delivery(status=Status.SIMULATED))] == [EventType.SIMULATED]


def test_a_message_that_could_not_be_queued_says_so() -> None:
    events = history.of(made.delivery(status=Status.FAILED))
    assert [event.type for event in events] == [EventType.QUEUED, EventType.FAILED]

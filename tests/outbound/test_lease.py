"""An attempt is a lease: who may speak, and what is left when a worker dies (moto)."""

from dataclasses import replace

import pytest

from chalicelib.aws.clients import Clients
from chalicelib.aws.tables import Table
from chalicelib.events.delivery import Delivery, Status, from_item
from chalicelib.outbound.lease import Held, Leases, Taken
from chalicelib.outbound.queue import Job
from tests.events import made

pytestmark = pytest.mark.steps

JOB = made.job()
SECOND = replace(JOB, attempt=2)


@pytest.fixture
def leases(aws: dict[str, str]) -> Leases:
    table = Table(Clients(), aws["DELIVERIES_TABLE"])
    table.put(made.delivery().to_item())
    return Leases(table)


def take(leases: Leases, job: Job = JOB, owner: str = "one", now: float = 100, until: float = 200) -> Taken | Held:
    return leases.take(job, owner=owner, now=now, until=until)


def standing(leases: Leases) -> Delivery:
    item = leases.table.get(made.delivery().key)
    assert item
    return from_item(item)


def test_the_first_to_come_takes_it(leases: Leases) -> None:
    assert take(leases) is Taken.OURS
    assert (standing(leases).attempt, standing(leases).owner) == (1, "one")


def test_a_live_lease_holds_off_everybody_else(leases: Leases) -> None:
    take(leases)
    assert take(leases, owner="two", now=199) == Held(until=201)
    assert take(leases, SECOND, owner="two", now=199) == Held(until=201)


def test_a_dead_owners_lease_is_taken_again(leases: Leases) -> None:
    take(leases)
    assert take(leases, owner="two", now=202, until=300) is Taken.OURS
    assert standing(leases).owner == "two"


def test_a_concluded_attempt_is_over_and_its_successor_can_be_taken(leases: Leases) -> None:
    take(leases)
    assert leases.conclude(JOB, made.attempt(1, "deferred"), Status.DEFERRED)
    assert take(leases, owner="two") is Taken.OVER
    assert take(leases, SECOND, owner="two") is Taken.OURS


def test_the_successor_of_a_worker_that_died_may_begin(leases: Leases) -> None:
    take(leases)
    assert take(leases, SECOND, owner="two", now=202, until=300) is Taken.OURS
    leases.conclude(SECOND, made.attempt(2, "delivered"), Status.DELIVERED)
    assert take(leases, JOB, owner="three", now=500) is Taken.OVER


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.BOUNCED, Status.FAILED, Status.SIMULATED])
def test_what_has_ended_is_over(leases: Leases, status: Status) -> None:
    leases.table.put(made.delivery(status=status).to_item())
    assert take(leases) is Taken.OVER


def test_a_job_without_a_delivery_is_over(leases: Leases) -> None:
    assert take(leases, replace(JOB, number=7)) is Taken.OVER


def test_an_outcome_is_written_once(leases: Leases) -> None:
    take(leases)
    assert leases.conclude(JOB, made.attempt(1, "delivered"), Status.DELIVERED)
    assert not leases.conclude(JOB, made.attempt(1, "deferred"), Status.DEFERRED)
    told = standing(leases)
    assert (told.status, len(told.attempts), told.lease_until, told.owner) == (Status.DELIVERED, 1, None, None)


def test_a_late_outcome_is_written_though_the_lease_has_passed_on(leases: Leases) -> None:
    take(leases)
    take(leases, owner="two", now=202, until=300)
    assert leases.conclude(JOB, made.attempt(1, "delivered"), Status.DELIVERED)


def test_a_lease_given_back_is_free_at_once_but_only_by_its_owner(leases: Leases) -> None:
    take(leases)
    leases.give_back(JOB, "two")
    assert take(leases, owner="two") == Held(until=201)
    leases.give_back(JOB, "one")
    assert take(leases, owner="two") is Taken.OURS


def test_no_outcome_is_written_for_a_delivery_that_is_gone(leases: Leases) -> None:
    gone = replace(JOB, number=7)
    assert not leases.conclude(gone, made.attempt(1, "delivered"), Status.DELIVERED)
    assert leases.table.get(replace(made.delivery(), number=7).key) is None


def test_one_who_asks_again_because_the_answer_was_lost_has_it(leases: Leases) -> None:
    assert take(leases, owner="one") is Taken.OURS
    assert take(leases, owner="one") is Taken.OURS


def test_a_yes_stands_even_against_somebodys_later_no(leases: Leases) -> None:
    take(leases)
    take(leases, owner="two", now=202, until=300)
    assert leases.conclude(JOB, made.attempt(1, "deferred"), Status.DEFERRED)
    assert leases.conclude(JOB, made.attempt(1, "delivered"), Status.DELIVERED)
    assert standing(leases).status is Status.DELIVERED
    assert take(leases, SECOND, owner="three", now=500) is Taken.OVER
    assert not leases.conclude(SECOND, made.attempt(2, "bounced"), Status.BOUNCED)

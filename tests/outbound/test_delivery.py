"""Jobs → the recipients' servers, by the real worker over real sockets; what the sink has is what counts."""

import secrets
from dataclasses import replace
from typing import Any

import dkim
import pytest

from chalicelib.events.delivery import Status
from chalicelib.mail import return_path
from chalicelib.mail.token import Token
from chalicelib.outbound import queue
from chalicelib.outbound.retry import LIFETIME_SECONDS
from tests.outbound.conftest import World

pytestmark = pytest.mark.sockets


def test_a_message_arrives_signed_and_with_a_return_path_of_its_own(world: World) -> None:
    email_id = world.send("ann@inbox.test")
    assert world.work(world.fresh()) == []
    (kept,) = world.mailbox.newest_first()
    found = world.mailbox.find(kept.id)
    assert found
    raw = found[1]
    assert b"Thanks." in raw
    assert raw.startswith(b"DKIM-Signature: ")
    assert dkim.verify(raw, dnsfunc=lambda name, timeout=5: world.seeded.dkim_record.encode())
    read = return_path.read(kept.mail_from, world.services.keyring())
    assert read == (Token(account=world.seeded.account_id, email_id=email_id, recipient=0), "acme.test")
    assert kept.tls
    (delivery,) = world.deliveries(email_id)
    assert (delivery.status, delivery.concluded, delivery.owner) == (Status.DELIVERED, 1, None)
    assert delivery.attempts[0].server == "mx.inbox.test"


def test_without_a_return_path_the_envelope_is_what_the_domains_spf_covers(world: World) -> None:
    domain = world.services.domains.get(world.seeded.account_id, "acme.test")
    assert domain
    world.services.domains.put(replace(domain, verified=domain.verified - {"return_path"}))
    world.send("ann@inbox.test")
    world.work(world.fresh())
    assert world.mailbox.newest_first()[0].mail_from == "no-reply@acme.test"


def test_the_same_job_twice_is_one_message(world: World) -> None:
    world.send("ann@inbox.test")
    batch = world.fresh()
    assert world.work(batch) == []
    assert world.work(batch) == []
    assert len(world.mailbox.newest_first()) == 1


def test_a_batch_goes_out_whole(world: World) -> None:
    everybody = [f"user{n}@inbox.test" for n in range(5)] + [f"user{n}@simulator.test" for n in range(5)]
    world.send(*everybody)
    assert world.work(world.fresh()) == []
    assert sorted(kept.rcpt_to[0] for kept in world.mailbox.newest_first()) == sorted(everybody)


def test_a_refusal_ends_the_delivery_with_the_servers_own_words(world: World) -> None:
    email_id = world.send("bounce@simulator.test")
    assert world.work(world.fresh()) == []
    (delivery,) = world.deliveries(email_id)
    assert delivery.status is Status.BOUNCED
    attempt = delivery.attempts[0]
    assert (attempt.code, attempt.enhanced, attempt.bounce_type, attempt.stage) == (550, "5.1.1", "hard", "rcpt")
    assert world.deferred() == []


def test_a_deferral_is_tried_again_and_then_delivered(world: World) -> None:
    email_id = world.send("greylist@simulator.test")
    assert world.work(world.fresh()) == []
    (delivery,) = world.deliveries(email_id)
    assert delivery.status is Status.DEFERRED
    assert delivery.attempts[0].next_at
    assert world.work(world.deferred()) == []
    (delivery,) = world.deliveries(email_id)
    assert [attempt.outcome for attempt in delivery.attempts] == ["deferred", "delivered"]
    assert len(world.mailbox.newest_first()) == 1


def test_three_days_of_deferrals_are_a_bounce(world: World) -> None:
    old = world.services.tools
    late = replace(old, clock=lambda: old.clock() + LIFETIME_SECONDS + 1)
    email_id = world.send("defer@simulator.test")
    worker = replace(world.services.worker("x"), tools=late)
    worker.run(world.fresh(), 60)
    (delivery,) = world.deliveries(email_id)
    assert (delivery.status, delivery.attempts[0].bounce_type) == (Status.BOUNCED, "expired")
    assert world.deferred() == []


@pytest.mark.parametrize(("recipient", "enhanced"), [("a@gone.test", "5.1.10"), ("a@nowhere.test", "5.1.2")])
def test_a_domain_that_takes_no_mail_is_a_bounce_without_a_dialog(world: World, recipient: str, enhanced: str) -> None:
    email_id = world.send(recipient)
    assert world.work(world.fresh()) == []
    (delivery,) = world.deliveries(email_id)
    assert (delivery.status, delivery.attempts[0].enhanced) == (Status.BOUNCED, enhanced)


def test_name_servers_that_are_down_cost_nobody_the_message(world: World) -> None:
    world.zone.write_text(world.zone.read_text() + "\n;fault servfail inbox.test\n")
    email_id = world.send("ann@inbox.test")
    assert world.work(world.fresh()) == []
    (delivery,) = world.deliveries(email_id)
    assert (delivery.status, delivery.attempts[0].enhanced) == (Status.DEFERRED, "4.4.3")


def test_a_poisonous_message_comes_again_and_its_neighbours_are_done(world: World) -> None:
    world.send("ann@inbox.test")
    (good,) = world.fresh()
    poison = replace(good, id="poison", body='{"account":')
    assert world.work([poison, good]) == ["poison"]
    assert len(world.mailbox.newest_first()) == 1


def test_while_somebody_else_is_at_it_the_job_comes_again(world: World) -> None:
    world.send("ann@inbox.test")
    batch = world.fresh()
    job = queue.decode(batch[0].body)
    now = world.services.tools.clock()
    world.services.tools.leases.take(job, owner="other", now=now, until=now + 60)
    assert world.work(batch) == [batch[0].id]
    assert world.mailbox.newest_first() == []


def test_a_job_that_is_not_due_hops(world: World) -> None:
    world.send("ann@inbox.test")
    (message,) = world.fresh()
    job = replace(queue.decode(message.body), not_before=world.services.tools.clock() + 5000)
    assert world.work([replace(message, body=queue.encode(job))]) == []
    client, url = world.services.clients("sqs"), world.services.settings.retry_queue_url
    waiting = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert waiting["ApproximateNumberOfMessagesDelayed"] == "1"
    assert world.mailbox.newest_first() == []


def test_when_time_is_short_no_dialog_begins_and_the_job_goes_back(world: World) -> None:
    world.send("ann@inbox.test")
    assert world.work(world.fresh(), seconds=0) == []
    assert world.mailbox.newest_first() == []
    assert world.work(world.deferred()) == []
    assert len(world.mailbox.newest_first()) == 1


def test_while_no_key_signs_the_message_waits_and_says_why(world: World) -> None:
    domain = world.services.domains.get(world.seeded.account_id, "acme.test")
    assert domain
    email_id = world.send("ann@inbox.test")
    world.services.domains.put(replace(domain, selector=None))
    assert world.work(world.fresh()) == []
    (delivery,) = world.deliveries(email_id)
    assert (delivery.status, delivery.attempts[0].error) == (
        Status.DEFERRED,
        "acme.test may not send at the moment, or has no DKIM key",
    )
    world.services.domains.put(domain)
    assert world.work(world.deferred()) == []
    assert len(world.mailbox.newest_first()) == 1


def test_an_outage_hops_instead_of_counting_toward_the_dead_letters(world: World) -> None:
    world.send("ann@inbox.test")
    (message,) = world.fresh()
    world.services.clients("dynamodb").delete_table(TableName=world.services.settings.deliveries_table)
    assert world.work([message]) == [message.id]
    assert world.work([replace(message, times=3)]) == []
    client, url = world.services.clients("sqs"), world.services.settings.retry_queue_url
    waiting = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert waiting["ApproximateNumberOfMessagesDelayed"] == "1"


def test_the_next_mail_exchanger_is_asked_at_once_when_the_first_does_not_answer(world: World) -> None:
    more = "$ORIGIN two.test.\n@ MX 10 dead\n@ MX 20 mx.inbox.test.\ndead A 127.0.0.2\n"
    world.zone.write_text(world.zone.read_text() + more)
    email_id = world.send("ann@two.test")
    assert world.work(world.fresh()) == []
    (delivery,) = world.deliveries(email_id)
    assert delivery.attempts[0].server == "mx.inbox.test"


def test_jobs_for_one_operator_share_a_connection_and_one_refusal_does_not_end_it(world: World) -> None:
    world.send("bounce@simulator.test", "ann@simulator.test", "bounce+2@simulator.test", "bob@simulator.test")
    assert world.work(world.fresh()) == []
    assert {kept.rcpt_to[0] for kept in world.mailbox.newest_first()} == {"ann@simulator.test", "bob@simulator.test"}


def test_what_is_older_than_a_message_gets_is_left_to_become_a_dead_letter(world: World) -> None:
    world.send("ann@inbox.test")
    (message,) = world.fresh()
    world.services.clients("dynamodb").delete_table(TableName=world.services.settings.deliveries_table)
    tools = world.services.tools
    late = replace(tools, clock=lambda: tools.clock() + LIFETIME_SECONDS + 1)
    worker = replace(world.services.worker("x"), tools=late)
    assert worker.run([replace(message, times=3)], 60) == [message.id]


def test_a_deferral_whose_successor_cannot_be_queued_is_nobodys(world: World) -> None:
    email_id = world.send("defer@simulator.test")
    batch = world.fresh()
    world.services.clients("sqs").delete_queue(QueueUrl=world.services.settings.retry_queue_url)
    assert world.work(batch) == [batch[0].id]
    (delivery,) = world.deliveries(email_id)
    assert (delivery.status, delivery.concluded, delivery.owner) == (Status.QUEUED, 0, None)


@pytest.mark.parametrize("change", [{"active": False}, {"verified": frozenset[str]()}])
def test_what_was_accepted_is_not_sent_for_a_domain_that_may_not_send_any_more(
    world: World, change: dict[str, Any]
) -> None:
    domain = world.services.domains.get(world.seeded.account_id, "acme.test")
    assert domain
    email_id = world.send("ann@inbox.test")
    world.services.domains.put(replace(domain, **change))
    assert world.work(world.fresh()) == []
    assert world.deliveries(email_id)[0].status is Status.DEFERRED
    assert world.mailbox.newest_first() == []


def test_a_key_that_has_vanished_defers_and_loses_nothing(world: World) -> None:
    email_id = world.send("ann@inbox.test")
    key = {"pk": {"S": f"account#{world.seeded.account_id}"}, "sk": {"S": "dkim#acme.test#postscale"}}
    table = world.services.settings.domains_table
    world.services.clients("dynamodb").delete_item(TableName=table, Key=key)
    assert world.work(world.fresh()) == []
    assert world.deliveries(email_id)[0].status is Status.DEFERRED


def test_large_messages_go_out_beside_small_ones(world: World) -> None:
    noise = secrets.token_hex(400_000)
    for recipient in ("a@inbox.test", "b@simulator.test", "c@inbox.test"):
        world.send(recipient, text_body=noise)
    world.send("d@inbox.test")
    assert world.work(world.fresh()) == []
    assert len(world.mailbox.newest_first()) == 4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.mail import reply as replies
from chalicelib.mail.refusal import BounceType
from chalicelib.mail.reply import Answer, Reply, Stage
from chalicelib.outbound.outcome import (
    Bounced,
    Deferred,
    Delivered,
    Outcome,
    Unknown,
    kept,
    read,
    unrouted,
)
from chalicelib.outbound.routing import Unroutable

BEFORE_MAIL = (Stage.CONNECT, Stage.BANNER, Stage.EHLO, Stage.STARTTLS)
TRANSACTION = (Stage.MAIL, Stage.RCPT, Stage.DATA)


def outcome(stage: Stage, line: str | None) -> Outcome:
    reply = replies.parse([line]) if line else None
    return read(Answer(stage=stage, reply=reply, error=None if line else "time-out", tls="TLSv1.3"), "mx.inbox.test")


@pytest.mark.parametrize(
    ("stages", "line", "expected"),
    [
        ([Stage.DOT], "250 2.0.0 queued", Delivered),
        ([Stage.DOT], "252 perhaps", Delivered),
        ([Stage.DOT], None, Unknown),
        ([Stage.DOT], "354 go ahead", Unknown),
        ([*TRANSACTION, Stage.DOT], "550 5.1.1 no such user", Bounced),
        ([*TRANSACTION, Stage.DOT], "451 4.3.0 try later", Deferred),
        ([*TRANSACTION, Stage.DOT], "421 4.3.2 shutting down", Deferred),
        (TRANSACTION, None, Deferred),
        (TRANSACTION, "250 out of place", Deferred),
        (TRANSACTION, "354 out of place", Deferred),
        (BEFORE_MAIL, None, Deferred),
        (BEFORE_MAIL, "421 4.7.0 too many connections", Deferred),
        (BEFORE_MAIL, "554 5.7.1 your address is on a list", Deferred),
        (BEFORE_MAIL, "250 out of place", Deferred),
    ],
)
def test_an_answer_is_read_by_its_stage_and_its_reply(
    stages: list[Stage], line: str | None, expected: type[Outcome]
) -> None:
    for stage in stages:
        assert type(outcome(stage, line)) is expected, stage


@given(
    st.sampled_from(Stage),
    st.none() | st.builds(Reply, code=st.integers(200, 599), enhanced=st.none(), text=st.text(max_size=5)),
)
def test_only_a_2yz_to_the_final_dot_is_delivered_and_only_a_5yz_bounces(stage: Stage, reply: Reply | None) -> None:
    result = read(Answer(stage=stage, reply=reply, error=None if reply else "reset"), "mx.inbox.test")
    assert isinstance(result, Delivered) == (stage is Stage.DOT and reply is not None and reply.code < 300)
    assert not isinstance(result, Bounced) or (reply is not None and reply.code >= 500)


@pytest.mark.parametrize(
    ("stage", "line", "elsewhere"),
    [
        (Stage.CONNECT, None, True),
        (Stage.BANNER, "554 5.7.1 not you", True),
        (Stage.EHLO, "421 4.3.2 busy", True),
        (Stage.STARTTLS, "454 4.7.0 not now", True),
        (Stage.MAIL, None, True),
        (Stage.DATA, None, True),
        (Stage.RCPT, "450 4.2.0 greylisted", False),
        (Stage.RCPT, "421 4.7.0 slow down", False),
        (Stage.DOT, "451 4.3.0 later", False),
    ],
)
def test_another_server_may_take_what_this_one_never_spoke_about(
    stage: Stage, line: str | None, elsewhere: bool
) -> None:
    result = outcome(stage, line)
    assert isinstance(result, Deferred)
    assert result.elsewhere is elsewhere


def test_a_bounce_tells_its_type() -> None:
    result = outcome(Stage.RCPT, "550 5.1.1 no such user")
    assert isinstance(result, Bounced)
    assert result.bounce_type is BounceType.HARD


def test_our_own_refusal_bounces_with_our_words() -> None:
    reply = Reply(code=552, enhanced="5.3.4", text="too large")
    result = read(Answer(stage=Stage.MAIL, reply=reply, error="too large"), "mx.inbox.test")
    assert isinstance(result, Bounced)
    assert (result.bounce_type, result.error) == (BounceType.SOFT, "too large")


@pytest.mark.parametrize(
    ("permanent", "enhanced", "expected"),
    [
        (True, "5.1.10", BounceType.HARD),
        (True, "5.1.2", BounceType.SOFT),
        (True, "5.4.4", BounceType.SOFT),
        (True, "5.4.6", BounceType.SOFT),
        (False, "4.4.3", None),
    ],
)
def test_a_domain_without_a_route_is_an_outcome_too(
    permanent: bool, enhanced: str, expected: BounceType | None
) -> None:
    result = unrouted(Unroutable(permanent=permanent, enhanced=enhanced, text="nowhere to go"))
    assert result.server is None
    assert result.reply
    assert result.reply.enhanced == enhanced
    assert (result.bounce_type if isinstance(result, Bounced) else None) == expected


@pytest.mark.parametrize(
    ("stage", "line", "text"),
    [
        (Stage.DOT, "250 2.0.0 queued", "delivered by mx.inbox.test at dot: 250 2.0.0 queued"),
        (Stage.RCPT, "550 5.1.1 unknown", "bounced (hard) by mx.inbox.test at rcpt: 550 5.1.1 unknown"),
        (Stage.CONNECT, None, "deferred by mx.inbox.test at connect: time-out"),
        (Stage.DOT, None, "unknown by mx.inbox.test at dot: time-out"),
    ],
)
def test_an_outcome_can_be_read_by_people(stage: Stage, line: str | None, text: str) -> None:
    assert str(outcome(stage, line)) == text


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from([None, "5.1.1", "5.123.123"]))
def test_a_reply_is_kept_in_300_octets_and_whole_where_it_fits(text: str, enhanced: str | None) -> None:
    reply = Reply(code=550, enhanced=enhanced, text=text * 20)
    short = kept(reply)
    assert len(str(short).encode()) <= 300
    assert reply.text.startswith(short.text)
    assert short == reply or len(str(short).encode()) > 296

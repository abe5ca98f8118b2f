import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.mail import refusal
from chalicelib.mail import reply as replies
from chalicelib.mail.refusal import BounceType, Cause, bounce_type
from chalicelib.mail.reply import Reply, Stage

HARD, SOFT, BLOCK = BounceType.HARD, BounceType.SOFT, BounceType.BLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    cause: str
    bounce: str
    stage: Stage
    reply: Reply


def line(text: str) -> Line:
    cause, bounce, stage, said = text.split(" | ", 3)
    return Line(cause=cause, bounce=bounce, stage=Stage(stage), reply=replies.parse([said]))


CORPUS = {
    path.stem: [line(text) for text in path.read_text(encoding="utf-8").splitlines() if text and text[0] != "#"]
    for path in sorted((Path(__file__).parent / "replies").glob("*.txt"))
}
LINES = [entry for lines in CORPUS.values() for entry in lines]
PHRASES = [phrase for group in refusal.table().groups for phrase in group.phrases]


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        (HARD, "550 5.1.1 <jane@inbox.test>: Recipient address rejected: User unknown in relay recipient table"),
        (HARD, "550 5.1.1 The email account that you tried to reach does not exist."),
        (HARD, "550 5.1.6 mailbox has moved"),
        (HARD, "556 5.1.10 recipient address has null MX"),
        (HARD, "550 5.2.1 The email account that you tried to reach is disabled."),
        (HARD, "550 <jane@inbox.test>: user unknown"),
        (HARD, "550 No such user here"),
        (HARD, "550 5.5.0 Requested action not taken: mailbox not found"),
        (HARD, "550 5.4.1 Recipient not found"),
        (HARD, "550 5.1.1 <spam@listed.test> no such user"),
        (SOFT, "550 Requested action not taken: mailbox unavailable"),
        (SOFT, "554 no such user"),
        (SOFT, "550 5.1.2 host unknown"),
        (SOFT, "550 5.1.3 bad address syntax"),
        (SOFT, "552 5.2.2 mailbox full"),
        (SOFT, "550 5.2.2 user unknown, or so it seems"),
        (SOFT, "552 5.3.4 message too big"),
        (SOFT, "550 5.4.6 loop"),
        (SOFT, "554 5.6.3 conversion required"),
        (SOFT, "503 5.5.1 bad sequence of commands"),
        (SOFT, "554"),
        (BLOCK, "550 5.7.1 Message rejected"),
        (BLOCK, "550 5.7.26 unauthenticated email is not accepted"),
        (BLOCK, "550 5.7.1 user unknown"),
        (BLOCK, "550 5.1.8 bad sender domain"),
        (BLOCK, "550 5.1.1 message looks like spam"),
        (BLOCK, "554 Service unavailable; Client host [192.0.2.1] blocked using a block list"),
        (BLOCK, "550 relaying denied"),
        (BLOCK, "550 5.0.0 rejected for policy reasons"),
        (BLOCK, "550 Verification failed for <b-x@ps-bounces.acme.test> No Such User Here; Sender verify failed"),
    ],
)
def test_only_a_mailbox_that_does_not_exist_is_a_hard_bounce(expected: BounceType, line: str) -> None:
    assert bounce_type(replies.parse([line]), Stage.RCPT) is expected


@pytest.mark.parametrize(
    ("stage", "line", "expected"),
    [
        (Stage.MAIL, "550 5.1.1 no such user", SOFT),
        (Stage.MAIL, "550 5.7.1 go away", BLOCK),
        (Stage.DATA, "550 5.1.1 no such user", HARD),
        (Stage.DOT, "550 5.1.1 no such user", HARD),
        (Stage.DOT, "550 no such user", SOFT),
    ],
)
def test_what_is_refused_before_the_recipient_is_named_does_not_concern_him(
    stage: Stage, line: str, expected: BounceType
) -> None:
    assert bounce_type(replies.parse([line]), stage) is expected


@pytest.mark.parametrize("piece", ["user ", "no such ", "unknown", "@", "block ", "a", "black-", "does not "])
def test_reading_a_long_text_takes_time_in_proportion(piece: str) -> None:
    def seconds(octets: int) -> float:
        refusal = Reply(code=550, enhanced=None, text=piece * (octets // len(piece)))
        started = time.perf_counter()
        bounce_type(refusal, Stage.RCPT)
        return time.perf_counter() - started

    assert min(seconds(64_000) for _ in range(3)) < 8 * min(seconds(16_000) for _ in range(3)) + 0.05


@pytest.mark.parametrize("source", CORPUS)
def test_every_reply_of_the_corpus_is_read_as_it_is_meant(source: str) -> None:
    read = [(entry, refusal.read(entry.reply, entry.stage)) for entry in CORPUS[source]]
    wrong = [
        f"{entry.stage}: {entry.reply} is {found.cause} ({found.reason}), {found.bounce_type}"
        for entry, found in read
        if (found.cause, found.bounce_type) != (entry.cause, entry.bounce)
    ]
    assert wrong == []


def test_the_corpus_shows_every_class() -> None:
    assert len(LINES) >= 150
    assert {entry.cause for entry in LINES} == set(Cause)
    assert [
        said for said, times in Counter((entry.stage, str(entry.reply)) for entry in LINES).items() if times > 1
    ] == []


def test_no_phrase_is_dead_or_stands_twice() -> None:
    texts = [refusal.normal(refusal.without_addresses(entry.reply.text)) for entry in LINES]
    assert [phrase for phrase in PHRASES if not any(refusal.found(phrase, text) for text in texts)] == []
    assert len(PHRASES) == len(set(PHRASES))


def test_every_phrase_becomes_a_pattern_that_takes_linear_time() -> None:
    """No quantifier but the span, which is bounded, stands in no other and occurs once."""
    for phrase in PHRASES:
        rest = re.sub(r"\\.", "", refusal.pattern(phrase).pattern).replace(".{0,40}?", "", 1)
        assert not set(rest) & set("*+?{}()|[]"), phrase


def test_a_text_of_100_kb_is_read() -> None:
    for phrase in PHRASES[::20]:
        piece = phrase.replace("*", " ") + "x "
        refusal.read(Reply(code=550, enhanced=None, text=piece * (100_000 // len(piece))), Stage.RCPT)


@given(st.sampled_from([entry for entry in LINES if entry.cause != "recipient"]), st.sampled_from(["5.1.1", "5.2.1"]))
def test_a_text_that_speaks_of_something_else_is_never_hard_whatever_the_code(entry: Line, enhanced: str) -> None:
    told = Reply(code=550, enhanced=enhanced, text=entry.reply.text + " user unknown")
    by_text = refusal.read(Reply(code=599, enhanced=None, text=entry.reply.text), entry.stage).cause
    if by_text is not Cause.UNKNOWN and by_text is not Cause.RECIPIENT:
        assert bounce_type(told, Stage.RCPT) is not HARD


@given(st.sampled_from(LINES), st.integers(400, 499), st.sampled_from(["4.1.1", "4.2.1", "5.1.1", None]))
def test_what_may_pass_is_never_hard(entry: Line, code: int, enhanced: str | None) -> None:
    assert bounce_type(Reply(code=code, enhanced=enhanced, text=entry.reply.text), entry.stage) is not HARD


@given(
    st.text(),
    st.sampled_from(Stage),
    st.integers(400, 599),
    st.from_regex(r"[45]\.[0-9]{1,3}\.[0-9]{1,3}", fullmatch=True),
)
def test_any_text_can_be_read(text: str, stage: Stage, code: int, enhanced: str) -> None:
    found = refusal.read(Reply(code=code, enhanced=enhanced, text=text), stage)
    assert found.bounce_type is not HARD or (found.cause is Cause.RECIPIENT and code >= 500)


@pytest.mark.parametrize(
    ("stage", "said", "expected"),
    [
        (Stage.RCPT, "550 5.2.2 qwerty", Cause.FULL),
        (Stage.RCPT, "550 5.7.999 qwerty", Cause.POLICY),
        (Stage.RCPT, "552 5.99.99 qwerty", Cause.FULL),
        (Stage.RCPT, "552 qwerty", Cause.FULL),
        (Stage.DOT, "552 qwerty", Cause.CONTENT),
        (Stage.RCPT, "421 qwerty", Cause.INFRASTRUCTURE),
        (Stage.RCPT, "599 qwerty", Cause.UNKNOWN),
    ],
)
def test_an_unknown_text_leaves_it_to_the_enhanced_code_and_then_to_the_basic_one(
    stage: Stage, said: str, expected: Cause
) -> None:
    assert refusal.read(replies.parse([said]), stage).cause is expected


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage not in {Stage.RCPT, Stage.DATA, Stage.DOT}])
@pytest.mark.parametrize("said", ["550 5.1.1 user unknown", "550 5.2.1 mailbox disabled", "550 no such user"])
def test_before_the_recipient_is_named_nothing_is_about_him(stage: Stage, said: str) -> None:
    assert refusal.read(replies.parse([said]), stage).cause is not Cause.RECIPIENT


def test_a_block_of_a_large_provider_suppresses_nobody_and_a_missing_mailbox_does() -> None:
    block = "550 5.7.1 Messages from [192.0.2.1] weren't sent. Part of their network is on our block list (S3150)."
    for stage in (Stage.MAIL, Stage.RCPT, Stage.DOT):
        assert bounce_type(replies.parse([block]), stage) is BLOCK
        assert bounce_type(replies.parse([block.replace("5.7.1", "5.1.1")]), stage) is BLOCK
    assert bounce_type(replies.parse(["550 5.1.1 There is no such mailbox"]), Stage.RCPT) is HARD


def test_every_code_of_the_table_belongs_to_one_group_and_none_that_leaves_it_to_the_text() -> None:
    table = refusal.table()
    assert len(table.enhanced) == sum(len(group.enhanced) for group in table.groups)
    assert len(table.basic) == sum(len(group.basic) for group in table.groups)
    for code in ("5.0.0", "5.1.0", "5.2.0", "5.3.0", "5.4.1", "5.5.0"):
        assert not {code, code[2:], code[2]} & set(table.enhanced), code
    for key in table.basic:
        assert re.fullmatch(rf"[45][0-9][0-9]( ({'|'.join(Stage)}))?", key)


def test_only_one_group_can_prove_a_missing_mailbox_and_no_bare_code_is_in_it() -> None:
    proving = [group for group in refusal.table().groups if group.bounce_type is HARD]
    assert [(group.cause, group.basic) for group in proving] == [(Cause.RECIPIENT, ())]
    assert set(proving[0].enhanced) == {"1.1", "1.6", "1.10", "2.1"}


def test_a_star_spans_a_little_and_opens_a_word_at_an_end() -> None:
    assert refusal.found("quota*reached", "quota of jane reached")
    assert not refusal.found("quota*reached", "quota " + "x" * 41 + " reached")
    assert refusal.found("spam*", "spamming")
    assert not refusal.found("spam", "spamming")
    assert not refusal.found("listed", "unlisted")

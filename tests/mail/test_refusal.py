import time

import pytest

from chalicelib.mail import reply as replies
from chalicelib.mail.refusal import BounceType, bounce_type
from chalicelib.mail.reply import Reply, Stage

HARD, SOFT, BLOCK = BounceType.HARD, BounceType.SOFT, BounceType.BLOCK


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

    assert min(seconds(64_000) for _ in range(3)) < 8 * min(seconds(16_000) for _ in range(3)) + 0.005

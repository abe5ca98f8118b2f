import pytest

from chalicelib.events.delivery import Status
from chalicelib.events.status import fold


@pytest.mark.parametrize(
    ("statuses", "message"),
    [
        (["queued"], "queued"),
        (["delivered", "queued"], "queued"),
        (["delivered", "deferred"], "deferred"),
        (["delivered", "bounced"], "delivered"),
        (["bounced", "bounced"], "bounced"),
        (["simulated", "simulated"], "simulated"),
        (["failed", "failed"], "failed"),
    ],
)
def test_a_message_is_what_its_deliveries_add_up_to(statuses: list[str], message: str) -> None:
    assert fold(map(Status, statuses)) is Status(message)


def test_every_status_can_be_folded() -> None:
    for status in Status:
        assert fold([status]) is status

"""The deliveries of messages, as the log of what was sent keeps them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib import log
from chalicelib.errors import ConditionFailed, PostscaleError
from chalicelib.events import delivery as layout
from chalicelib.events import email_id as ids
from chalicelib.events.delivery import Delivery, Status

if TYPE_CHECKING:
    from chalicelib.aws.tables import Table


@dataclass(frozen=True, slots=True)
class Deliveries:
    table: "Table"

    def create(self, deliveries: Sequence[Delivery], *, fresh: bool) -> None:
        """Write down what was accepted. Not `fresh`: a repetition, where what stands already stays as it is."""
        if fresh and len(deliveries) > 1:
            self.table.put_all([delivery.to_item() for delivery in deliveries])
            return
        for delivery in deliveries:
            with suppress(ConditionFailed):
                self.table.put(
                    delivery.to_item(),
                    {"failed": Status.FAILED},
                    only_if="attribute_not_exists(#pk) OR #status = :failed",
                )

    def withdraw(self, deliveries: Sequence[Delivery], *, now: float) -> None:
        """They could not be queued and the sender is told so: nothing of them may be sent any more.

        At best effort: where this fails as well, the message stays queued in the log without a job.
        """
        for delivery in deliveries:
            failed = replace(delivery, status=Status.FAILED, updated_at=int(now * 1000))
            try:
                with suppress(ConditionFailed):
                    self.table.put(
                        failed.to_item(),
                        {"queued": Status.QUEUED, "none": 0},
                        only_if="#status = :queued AND #attempt = :none",
                    )
            except PostscaleError as failure:
                log.write("withdraw_failed", email_id=delivery.email_id, error=failure.message)
                return

    def find(self, account_id: str, email_id: UUID) -> list[Delivery]:
        """In the order of the recipients; empty when this account sent no such message."""
        items = self.table.query(ids.partition(account_id, email_id), prefix=f"{email_id}#", consistent=True)
        return [layout.from_item(item) for item in items]

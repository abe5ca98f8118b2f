"""EventBridge: facts for whoever wants to know."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.aws.clients import Clients, translated
from chalicelib.errors import Unavailable

_COUNT = 10
SOURCE = "postscale"


@dataclass(frozen=True, slots=True)
class Bus:
    clients: Clients
    name: str

    def put(self, events: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """(type, detail) pairs. Raises `Unavailable` when any was refused; the others may be out already."""
        entries = [
            {"Source": SOURCE, "DetailType": kind, "Detail": json.dumps(detail), "EventBusName": self.name}
            for kind, detail in events
        ]
        for start in range(0, len(entries), _COUNT):
            with translated("events"):
                answer = self.clients("events").put_events(Entries=entries[start : start + _COUNT])
            if answer["FailedEntryCount"]:
                raise Unavailable(f"the bus refused {answer['FailedEntryCount']} events", service="events")

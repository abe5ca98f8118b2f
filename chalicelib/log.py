"""One JSON line per event on standard output, where Lambda picks it up.

A line is a fixed event name plus fields. `email_id` always where there is one; addresses, subjects,
keys and content never: a log is read by more people than the mail was written to.
"""

import json
import sys


def write(event: str, **fields: object) -> None:
    """Fields that are None are left out; what JSON cannot say is said by `str`."""
    line = {"event": event} | {name: value for name, value in fields.items() if value is not None}
    sys.stdout.write(json.dumps(line, separators=(",", ":"), default=str) + "\n")

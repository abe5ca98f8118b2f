"""`python -m infra.local`, which is `make run`: the whole service on loopback until Ctrl-C."""

import argparse
import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

from infra.local import plan
from infra.local.plan import CannotStart


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m infra.local",
        description="From the environment: PORT_BASE and STATE_DIR move ports and state; RETRY_WAITS, BUS_EVENTS.",
    )
    parser.add_argument("--template", type=Path, help="the packaged template (default: dist/local/sam.json)")
    asked = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    from infra.local import stack, welcome  # which takes a moment, in which Ctrl-C may come already

    try:
        planned = plan.read(os.environ)
        with stack.running(replace(planned, template=asked.template or planned.template)) as running:
            print(welcome.text(running), flush=True)
            stop.wait()
            print("\nstopping", flush=True)
    except CannotStart as reason:
        print(f"error: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

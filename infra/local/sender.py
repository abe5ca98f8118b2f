"""The seeded sender of a local stack: made once, its keys kept for the next run.

The service itself keeps no key in clear, so they are in `keys.json`, readable by its owner only. Where the
state that they belong to was lost, they are made anew.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from chalicelib.errors import Refused
from chalicelib.wiring import Services
from infra import seed
from infra.seed import Seeded


def ensure(services: Services, state: Path) -> Seeded:
    path = state / "keys.json"
    kept = _kept(path)
    if kept and _is_known(services, kept):
        return kept
    made = seed.seed(services)
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        json.dump(asdict(made), file, indent=2)
    return made


def _kept(path: Path) -> Seeded | None:
    with suppress(FileNotFoundError, ValueError, TypeError):
        return Seeded(**json.loads(path.read_text()))
    return None


def _is_known(services: Services, kept: Seeded) -> bool:
    try:
        return services.api_keys.principal(kept.live_key).account_id == kept.account_id
    except Refused:
        return False

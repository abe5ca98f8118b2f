import os
from collections.abc import Iterator, Mapping

import pytest

from chalicelib import wiring
from chalicelib.wiring import Services
from infra.seed import Seeded, seed


@pytest.fixture
def services(aws: Mapping[str, str]) -> Iterator[Services]:
    """Those that the app itself uses, on the tables of this test."""
    before = dict(os.environ)
    os.environ.update(aws)
    wiring.services.cache_clear()
    yield wiring.services()
    wiring.services.cache_clear()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def seeded(services: Services) -> Seeded:
    return seed(services)

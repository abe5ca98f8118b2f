"""A server that plays dialogs, and one certificate for all of them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.net.player import Player, Steps, load


class Play(Protocol):
    def __call__(self, dialog: str | Sequence[Steps], address: str = "127.0.0.1") -> Player: ...


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Self-signed, for another name, and expired: as bad as they come, and good enough for RFC 7435."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody.else.test")])
    expired = datetime.now(UTC) - timedelta(days=1)
    signed = x509.CertificateBuilder(name, name, key.public_key(), 1, expired - timedelta(days=1), expired).sign(
        key, hashes.SHA256()
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def play(certificate: Path) -> Iterator[Play]:
    """Play a file of tests/dialogs by its name, or steps; the test fails if a dialog went otherwise."""
    players: list[Player] = []

    def start(dialog: str | Sequence[Steps], address: str = "127.0.0.1") -> Player:
        players.append(Player(load(dialog) if isinstance(dialog, str) else dialog, certificate, address))
        return players[-1]

    yield start
    for player in players:
        player.finish()

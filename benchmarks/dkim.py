"""What a DKIM signature costs: ours against the bare RSA operation of OpenSSL (`python -m benchmarks.dkim`).

The reference of a large message has the SHA-256 of its body in it as well: nobody can sign for less.
dkimpy with its own RSA stands beside it, to show what writing the signer ourselves is worth.
"""

import base64
import hashlib
import os
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import dkim as dkimpy
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, utils

from chalicelib.mail import dkim
from chalicelib.mail.address import parse
from chalicelib.mail.message import Content, compose

Figure = dict[str, float | str]

_SECOND = 1_000  # ms
_ROUNDS = {"2kb": 300, "50kb": 150, "5mb": 15}
_DKIMPY_ROUNDS = 20


def measure() -> dict[str, Figure]:
    """Medians in ms; what is compared takes turns, so that a busy moment of the machine hits both alike."""
    private_der = dkim.generate_private_key()
    key = dkim.SigningKey.load("acme.test", "postscale", private_der)
    figures: dict[str, Figure] = {}
    for size, message in _messages().items():
        ours, reference = _medians(_ours(message, key), _reference(message, key, size), rounds=_ROUNDS[size])
        figures[f"dkim_sign_{size}"] = _figure(ours, reference)
    message = _messages()["2kb"]
    ours, theirs = _medians(_ours(message, key), _dkimpy(message, private_der), rounds=_DKIMPY_ROUNDS)
    figures["dkim_sign_2kb_dkimpy"] = _figure(ours, theirs)
    return figures


def _messages() -> dict[str, bytes]:
    line = "The quick brown fox jumps over the lazy dog, <b>again</b> and once more.\n"
    texts = {"2kb": line * 22, "50kb": line * 690}
    small = {size: _composed(text) for size, text in texts.items()}
    attachment = base64.encodebytes(os.urandom(3_880_000)).decode("ascii")
    return small | {"5mb": _composed(attachment)}


def _composed(text: str) -> bytes:
    content = Content(
        sender=parse("Acme <hello@acme.test>"),
        to=(parse("Ann Example <ann@inbox.test>"),),
        subject="Your order has been shipped",
        text=text,
        html=None,
        message_id="0193-benchmark@acme.test",
        date=datetime.now(UTC),
    )
    return compose(content)


def _ours(message: bytes, key: dkim.SigningKey) -> Callable[[], object]:
    now = datetime.now(UTC)
    return lambda: dkim.sign(message, key, at=now)


def _reference(message: bytes, key: dkim.SigningKey, size: str) -> Callable[[], object]:
    digest, pkcs1, sha256 = hashlib.sha256(message).digest(), padding.PKCS1v15(), utils.Prehashed(hashes.SHA256())
    if size == "2kb":
        return lambda: key.private_key.sign(digest, pkcs1, sha256)
    body = message.partition(b"\r\n\r\n")[2]
    return lambda: (hashlib.sha256(body).digest(), key.private_key.sign(digest, pkcs1, sha256))


def _dkimpy(message: bytes, private_der: bytes) -> Callable[[], object]:
    private_key = serialization.load_der_private_key(private_der, None)
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    relaxed = (b"relaxed", b"relaxed")
    return lambda: dkimpy.sign(message, b"postscale", b"acme.test", pem, canonicalize=relaxed)


def _medians(*works: Callable[[], object], rounds: int) -> tuple[float, ...]:
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, taken in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
    return tuple(statistics.median(taken) * _SECOND for taken in times)


def _figure(ours: float, reference: float) -> Figure:
    return {"ours": round(ours, 3), "reference": round(reference, 3), "ratio": round(ours / reference, 2), "unit": "ms"}


def _table(figures: Mapping[str, Figure]) -> str:
    lines = [f"{'':<22}{'ours':>10}{'reference':>12}{'ratio':>8}"]
    for name, figure in figures.items():
        lines.append(f"{name:<22}{figure['ours']:>10}{figure['reference']:>12}{figure['ratio']:>8}  {figure['unit']}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(_table(measure()))

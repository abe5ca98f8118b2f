"""The return path (RFC 5321 §4.4): the MAIL FROM of one delivery, so that a bounce tells which one it is about.

`b-<token>@ps-bounces.<domain>`: 58 octets before the @, of the 64 that RFC 5321 allows. Whoever does not
hold our keys cannot make one, so RCPT can refuse a forged bounce without asking anybody.
"""

import re

from chalicelib.mail import token
from chalicelib.mail.token import Keyring, Purpose, Token

_ADDRESS = re.compile(r"b-([a-z2-7]{56})@ps-bounces\.([!-~]{1,253})", re.ASCII | re.IGNORECASE)


def address(delivery: Token, domain: str, keyring: Keyring) -> str:
    return f"b-{token.seal(delivery, Purpose.RETURN_PATH, domain, keyring)}@ps-bounces.{domain}"


def read(address_text: str, keyring: Keyring) -> tuple[Token, str] | None:
    """The delivery and its domain, in lower case; None for what is not ours or not genuine."""
    match = _ADDRESS.fullmatch(address_text)
    if not match:
        return None
    domain = match[2].lower()
    delivery = token.unseal(match[1], Purpose.RETURN_PATH, domain, keyring)
    return (delivery, domain) if delivery else None

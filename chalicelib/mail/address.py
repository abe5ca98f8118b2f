"""Mail addresses (RFC 5321 §4.1.2, RFC 5322 §3.4, RFC 6531 for non-ASCII ones), read once and held as values.

An `Address` that exists is well formed: whoever holds one may put it on the wire or into a header. One
address is one mailbox. Groups, lists, source routes, IP literals and quoted local parts are refused:
nobody mails them on purpose, and each has been used to make two programs read one text differently.
"""

import re
from dataclasses import dataclass

from chalicelib.errors import BadAddress

UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, line breaks of any kind, halves of characters: nothing of it belongs into a header."""

_MAX_NAME = 320
_MAX_LOCAL = 64  # RFC 5321 §4.5.3.1.1
_MAX_ADDRESS = 254  # RFC 5321 §4.5.3.1.3 less the angle brackets
_MAX_TEXT = 2 * _MAX_NAME + _MAX_ADDRESS + 5  # each character of the name escaped, two quotes, ` <>`

# All but what RFC 5322 §3.2.3 leaves out, RFC 6531 letting non-ASCII in; said the other way it takes 7 ms to compile.
_ATOM = r'[^\x00-\x20\x7f()<>\[\]:;@\\,".]+'
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?:[a-z0-9][a-z0-9-]{{0,61}})?[a-z]")  # every TLD ends in a letter
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_NEEDS_QUOTES = re.compile(r'[()<>\[\]:;@\\,"]')

_NOT_TAKEN = {
    "[": "an IP address cannot stand for a domain; use a domain name",
    '"': "a local part in quotes is not supported; use an address without quotes",
    ",": "give exactly one address; each further one is an entry of its own",
    ";": "give exactly one address; groups are not supported",
    ":": "give exactly one address; groups and source routes are not supported",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`local` as given, `domain` as a lower-case A-label, `name` as people read it."""

    local: str
    domain: str
    name: str = ""

    def __post_init__(self) -> None:
        if fault := _fault(self):
            raise _bad(f"{self.name} <{self.addr_spec}>" if self.name else self.addr_spec, fault)

    @property
    def addr_spec(self) -> str:
        return f"{self.local}@{self.domain}"


def parse(text: str) -> Address:
    """Read `local@domain` or `Name <local@domain>`; BadAddress says what is wrong and what to do."""
    if UNSAFE.search(text):
        raise _bad(text, "it contains a control character or a line break; remove it")
    if len(text) > _MAX_TEXT:
        raise _bad(text, f"it is longer than {_MAX_TEXT} characters")
    name, spec = _split(text)
    for sign, why in _NOT_TAKEN.items():
        if sign in spec:
            raise _bad(text, why)
    local, _, domain = spec.rpartition("@")
    if spec.isascii() and "--" not in domain and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain.lower()):
        return Address(local=local, domain=domain.lower(), name=name)
    return _judged(text, spec, name)


def _split(text: str) -> tuple[str, str]:
    text = text.strip(" ")
    if not text.endswith(">"):
        return "", text
    name, bracket, spec = text[:-1].rpartition("<")
    if not bracket:
        raise _bad(text, "it has a closing angle bracket without an opening one")
    return _name(text, name.strip(" ")), spec


def _name(text: str, raw: str) -> str:
    if quoted := _QUOTED.fullmatch(raw):
        return re.sub(r"\\(.)", r"\1", quoted[1]).strip(" ")
    if _NEEDS_QUOTES.search(raw):
        raise _bad(text, 'a name with any of ( ) < > [ ] : ; @ \\ , " needs double quotes around it')
    return raw


def _judged(text: str, spec: str, name: str) -> Address:
    """Non-ASCII addresses, Punycode, and why anything else cannot be used: the library knows Unicode and IDNA."""
    # Takes 34 ms to import, and a cold start that sees only plain addresses never needs it.
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(spec, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise _bad(text, str(error)) from error
    return Address(local=found.local_part, domain=found.ascii_domain or "", name=name)


def _fault(address: Address) -> str | None:
    if UNSAFE.search(address.local + address.domain + address.name):
        return "it contains a control character or a line break; remove it"
    if len(address.name) > _MAX_NAME:
        return f"the name is longer than {_MAX_NAME} characters; shorten it"
    if len(address.local.encode()) > _MAX_LOCAL:
        return f"there are more than {_MAX_LOCAL} octets before the @"
    if len(address.addr_spec.encode()) > _MAX_ADDRESS:
        return f"it is longer than {_MAX_ADDRESS} octets"
    if "=?" in address.local:  # some readers would decode it, and see another address than the one we checked
        return "what stands before the @ looks like an encoded word"
    if not _LOCAL.fullmatch(address.local):
        return "what stands before the @ is not a local part"
    if not _DOMAIN.fullmatch(address.domain):
        return "what stands after the @ is not a domain name"
    return None


def _bad(text: str, why: str) -> BadAddress:
    shown = text if len(text) <= 60 else f"{text[:60]}…"
    return BadAddress(f"The address {shown!r} cannot be used: {why}")

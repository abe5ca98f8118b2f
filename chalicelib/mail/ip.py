"""Which IP addresses other people's names may lead us to: those of the public internet and no others.

The registries of special addresses are RFC 6890 and RFC 5771 (multicast). What Python 3.11 knows of them
is older than it should be, so what it lacks is written here.
"""

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Network

_IPV6_INTERNET = IPv6Network("2000::/3")
"""All that is assigned as global unicast (RFC 4291 §2.4). Mapped (::ffff:0:0/96) and NAT64 (64:ff9b::/96)
addresses lie outside of it, whatever IPv4 address they wrap."""
_NEVER: tuple[IPv4Network | IPv6Network, ...] = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments
    IPv4Network("192.88.99.0/24"),  # the former 6to4 relays
    IPv6Network("2001::/23"),  # protocol assignments, Teredo among them, which wraps an IPv4 address
    IPv6Network("2002::/16"),  # 6to4, which wraps an IPv4 address
    IPv6Network("3fff::/20"),  # documentation (RFC 9637)
)


def is_public(address: str) -> bool:
    """ValueError for what is no IP address."""
    parsed = ipaddress.ip_address(address)
    if not parsed.is_global or parsed.is_multicast or any(parsed in network for network in _NEVER):
        return False
    return isinstance(parsed, IPv4Address) or parsed in _IPV6_INTERNET


def is_loopback(address: str) -> bool:
    """127.0.0.0/8 and ::1, and not what wraps them."""
    return ipaddress.ip_address(address).is_loopback

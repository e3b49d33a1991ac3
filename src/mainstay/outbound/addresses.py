"""Which addresses strangers may make us call: those of the public internet, and no others.

IANA's registries of special-purpose addresses (RFC 6890) decide, spelt out here, since what Python's `is_global` says
differs from release to release.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_CLOSED_4 = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8",  # this host; Linux takes it for itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT, and some clouds' metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's own, public by its number only
        "169.254.0.0/16",  # link-local: metadata in most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_PUBLIC_6 = IPv6Network("2000::/3")
_CLOSED_6 = tuple(
    IPv6Network(each)
    for each in (
        "2001::/23",  # protocol assignments: Teredo, which carries IPv4, is one of them
        "2001:db8::/32",
        "2002::/16",  # 6to4: carries IPv4
        "3fff::/20",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: carries IPv4


def is_open(address: Address, opened: Iterable[Network] = ()) -> bool:
    """Whether it may be called: it is public, or in one of the networks that were opened on purpose."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    if any(address.version == network.version and address in network for network in opened):
        return True
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_4)
    if address in _NAT64:
        return is_open(IPv4Address(int(address) & 0xFFFF_FFFF), opened)
    return address in _PUBLIC_6 and not any(address in network for network in _CLOSED_6)


def networks_of(names: Iterable[str]) -> tuple[Network, ...]:
    """Raises ValueError for what is no network, and for one with bits set beside its prefix."""
    return tuple(ip_network(each) for each in names)


def literal(host: str) -> Address | None:
    """The address that a host is written as, or None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None

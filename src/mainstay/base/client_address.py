"""Which address a request comes from: the connection's, or what a proxy that we trust says about it."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from mainstay.base.errors import ConfigurationError
from mainstay.base.ports import HttpScope

UNIX = "unix"
UNKNOWN = "unknown"
REMEMBERED = 10_000
# A household or a server is given a whole /64 (RFC 6177 §2), so one of its addresses is nobody in particular.
IPV6_PREFIX = 64


class ClientAddress:
    """The client's address as text, an IPv6 one by its /64; `unknown` where there is none.

    X-Forwarded-For is read from right to left, and only as far as the proxies that we trust have written it: whatever
    stands further left may be anybody's invention. Without trusted proxies it is not read at all.
    """

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        self._unix = UNIX in trusted
        try:
            self._networks = tuple(ip_network(each, strict=False) for each in trusted if each != UNIX)
        except ValueError as error:
            raise ConfigurationError(
                f"A trusted proxy is no network: {error}.", fix="Write 10.0.0.0/8, 192.0.2.7, or unix."
            ) from None
        self._known: dict[str, tuple[str, bool]] = {}

    def __call__(self, scope: HttpScope) -> str:
        client = scope.get("client")
        peer = client[0] if client else ""
        known = self._known.get(peer)
        if known is None:
            known = self._look_at(peer)
        name, trusted = known
        if not trusted:
            return name
        return self._forwarded(scope["headers"], name)

    def trusts(self, scope: HttpScope) -> bool:
        """Whether the connection comes from a proxy whose word is believed."""
        client = scope.get("client")
        peer = client[0] if client else ""
        known = self._known.get(peer)
        return (self._look_at(peer) if known is None else known)[1]

    def _look_at(self, peer: str) -> tuple[str, bool]:
        address = _parse(peer)
        known = (UNKNOWN, self._unix) if address is None else (_name(address), self._is_trusted(address))
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[peer] = known
        return known

    def _forwarded(self, headers: Iterable[tuple[bytes, bytes]], peer: str) -> str:
        hops = ",".join(value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for").split(",")
        nearest = peer
        for hop in reversed(hops):
            address = _parse(hop.strip())
            if address is None:
                return nearest
            nearest = _name(address)
            if not self._is_trusted(address):
                return nearest
        return nearest

    def _is_trusted(self, address: Any) -> bool:
        return any(address in network for network in self._networks)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    if text.startswith("["):  # [2001:db8::1]:4711
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:  # 192.0.2.1:4711
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _name(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, IPV6_PREFIX), strict=False))
    return str(address)

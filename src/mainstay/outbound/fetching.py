"""Fetch from an address that came from outside, without becoming somebody's way into our own network.

A name is resolved once; every address it has is checked, and the connection is made to a checked address: a name that
means something else a moment later (DNS rebinding) changes nothing. Each redirect goes through the same.
"""

import asyncio
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx2

from mainstay.outbound.addresses import Network, is_open, literal, networks_of
from mainstay.outbound.bounded import ACCEPT_ENCODING, bounded
from mainstay.outbound.calls import mark
from mainstay.outbound.errors import AddressRefused, AnswerRefused, ServiceAway, ServiceLate
from mainstay.outbound.locations import Location, admit, locate
from mainstay.outbound.options import FetchOptions
from mainstay.outbound.ports import Carry, Resolve
from mainstay.outbound.wire import Wire, connections

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_ADDRESSES = 3
ORIGINAL = "mainstay.url"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer, whole: header names in lower case, the body unpacked, the URL it finally came from."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    def json(self) -> Any:
        """Raises AnswerRefused for a body that is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise AnswerRefused("An answer that should be JSON is not.") from None


@dataclass(frozen=True, slots=True)
class _Ask:
    method: str
    headers: Mapping[str, str]
    content: bytes | None


async def resolve(host: str, port: int) -> list[str]:
    """The addresses the system knows for a name (`ports.Resolve`)."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, proto=6)
    except OSError:
        return []
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Fetcher:
    """Fetches what strangers name. Nothing is kept between two fetches: no cookies, no connections."""

    def __init__(
        self,
        options: FetchOptions | None = None,
        *,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        carry: Carry | None = None,
    ) -> None:
        self.options = options or FetchOptions()
        self._networks: tuple[Network, ...] = networks_of(self.options.networks)
        self._resolve, self._tls, self._carry = resolve, tls, carry
        self.instead: httpx2.AsyncBaseTransport | None = None

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        accept: Sequence[str] = (),
        trusting: str | None = None,
        options: FetchOptions | None = None,
    ) -> Fetched:
        """The answer, whatever its status. `accept` names the media types that are read, if not all.

        `trusting` is an address that the operator wrote: its own origin may be private and of any port, and http if it
        says so. Redirects are followed for GET and HEAD only; `headers` don't go to another origin. Raises
        AddressRefused, AnswerRefused (too large, another type), ServiceAway, ServiceLate (the whole took too long).
        """
        chosen = options or self.options
        until = asyncio.get_running_loop().time() + chosen.deadline
        trusted = None if trusting is None else locate(trusting).origin
        ask = _Ask(method, dict(headers or {}), content)
        place = locate(url)
        for _ in range(chosen.redirects + 1):
            answer = await self._once(place, ask, chosen, until, trusted)
            to = answer.headers.get("location")
            if method not in ("GET", "HEAD") or answer.status not in _REDIRECTS or to is None:
                return _of_type(answer, accept)
            place, ask = _onwards(place, to, ask)
        raise AnswerRefused(f"An address led on more than {chosen.redirects} times.")

    async def _once(
        self, place: Location, ask: _Ask, options: FetchOptions, until: float, trusted: tuple[str, str, int] | None
    ) -> Fetched:
        try:
            async with asyncio.timeout_at(until):
                candidates = await self._checked(place, options, place.origin == trusted)
                failed: httpx2.TransportError | None = None
                for address in candidates:
                    try:
                        return await self._call(place, address, ask, options, until)
                    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                        failed = error
                raise failed or ServiceAway("The address has no host behind it.")
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise ServiceLate("The address took too long to answer.") from error
        except ServiceAway:
            raise
        except httpx2.TransportError as error:
            raise ServiceAway("The address does not answer.", fix=f"{type(error).__name__}: {error}") from error

    async def _checked(self, place: Location, options: FetchOptions, trusted: bool) -> list[str]:
        """The addresses to connect to. One that is not open closes the name it belongs to."""
        if not trusted:
            admit(place, options)
        if literal(place.host) is not None or self.instead is not None:
            found = [place.host]
        else:
            found = await self._resolve(place.host, place.port)
        for each in found:
            address = literal(each)
            if trusted or (address is None and self.instead is not None):
                continue
            networks = self._networks if options is self.options else networks_of(options.networks)
            if address is None or not is_open(address, networks):
                raise AddressRefused(f"{place.host} is {each}, which is not of the public internet")
        return found[:_MOST_ADDRESSES]

    async def _call(self, place: Location, address: str, ask: _Ask, options: FetchOptions, until: float) -> Fetched:
        headers = httpx2.Headers({"Accept": "*/*", "User-Agent": "Mainstay", **ask.headers})
        headers.update({"Host": place.authority, "Accept-Encoding": ACCEPT_ENCODING})
        mark(headers, self._carry)
        if self._tls is None:
            self._tls = httpx2.create_ssl_context()
        # One connection for one call: connections are known by their address, and two names may share one.
        wire = Wire(connections(self._tls, most=1, kept=0))
        wire.instead = self.instead
        try:
            request = httpx2.Request(
                ask.method,
                place.url.copy_with(host=address),
                headers=headers,
                content=ask.content,
                extensions={
                    "sni_hostname": place.host,
                    "timeout": httpx2.Timeout(options.deadline, connect=options.connect_timeout).as_dict(),
                    ORIGINAL: str(place.url),
                },
            )
            raw = await wire.handle_async_request(request)
            try:
                answer = bounded(raw, options.answer_limit, until)
                body = await answer.aread()
            finally:
                await raw.aclose()
            return Fetched(answer.status_code, dict(answer.headers), body, str(place.url))
        finally:
            await wire.aclose()


def _onwards(place: Location, to: str, ask: _Ask) -> tuple[Location, _Ask]:
    """Where a redirect leads. Raises AddressRefused for one that gives up https."""
    try:
        there = locate(str(place.url.join(to)))
    except (httpx2.InvalidURL, ValueError):
        raise AddressRefused("it leads on to something that is not a URL") from None
    if place.scheme == "https" and there.scheme != "https":
        raise AddressRefused("it leads on from https to http")
    return there, ask if there.origin == place.origin else replace(ask, headers={})


def _of_type(answer: Fetched, accept: Sequence[str]) -> Fetched:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if accept and answer.status < 400 and kind not in accept:
        raise AnswerRefused(f"An address answered with {kind or 'no type'!r} where {' or '.join(accept)} was wanted.")
    return answer

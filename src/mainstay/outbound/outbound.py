"""Calls to other programs: one client a service, and a fetcher for addresses that strangers gave."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import httpx2

from mainstay.base.clock import Clock, SystemClock
from mainstay.base.errors import ConfigurationError
from mainstay.outbound.bounded import ACCEPT_ENCODING
from mainstay.outbound.calls import Calls
from mainstay.outbound.fetching import Fetcher, resolve
from mainstay.outbound.figures import ServiceFigures
from mainstay.outbound.options import FetchOptions, ServiceOptions
from mainstay.outbound.ports import Carry, Resolve
from mainstay.outbound.tokens import ClientCredentials
from mainstay.outbound.wire import Wire, connections

# A probe is asked by whoever looks at /health, and may not become a way to call a service as often as one likes.
_PROBE_SECONDS = 5.0


class Outbound:
    """The services an app calls, by name, each with one pooled client.

    `services` are what the app declares, `settings` what its operators set, field by field, and win. `close()` ends
    all connections; a client is made when first asked for, on the loop that runs then.
    """

    def __init__(
        self,
        services: Mapping[str, ServiceOptions] | None = None,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        fetch: FetchOptions | None = None,
        *,
        clock: Clock | None = None,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        carry: Carry | None = None,
    ) -> None:
        self._services = dict(services or {})
        self._settings = dict(settings or {})
        self._clock, self._tls, self._carry = clock or SystemClock(), tls, carry
        self._clients: dict[str, httpx2.AsyncClient] = {}
        self._calls: dict[str, Calls] = {}
        self._tokens: list[ClientCredentials] = []
        self._wires: list[Wire] = []
        self._instead: httpx2.AsyncBaseTransport | None = None
        self._probed: dict[str, tuple[float, bool]] = {}
        self.fetcher = Fetcher(fetch, resolve=resolve, tls=tls, carry=carry)

    def declare(self, name: str, service: ServiceOptions | None = None) -> None:
        """The app calls this service. Raises ConfigurationError for one that has no usable address."""
        if service is not None:
            self._services[name] = service
        self.service(name)

    def service(self, name: str) -> ServiceOptions:
        """How a service is called, of both what the app says and what is set. Raises ConfigurationError."""
        setting = f"MAINSTAY_OUTBOUND__{name.upper()}__BASE_URL"
        if name not in self._services and name not in self._settings:
            raise ConfigurationError(f"The app calls a service {name!r} that has no address.", fix=f"Set {setting}.")
        service = replace(self._services.get(name, ServiceOptions()), **self._settings.get(name, {}))
        parts = urlsplit(service.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ConfigurationError(
                f"The address of the service {name!r} is not one: it is http(s)://host/path, without user and query.",
                fix=f"Set {setting}.",
            )
        return service

    def client(self, name: str) -> httpx2.AsyncClient:
        """The one client of this service. Not to be closed by who asks for it. Raises ConfigurationError."""
        found = self._clients.get(name)
        if found is None:
            found = self._clients[name] = self._make(name, self.service(name))
        return found

    @property
    def names(self) -> list[str]:
        return sorted({*self._services, *self._settings})

    def figures(self) -> Mapping[str, ServiceFigures]:
        """Of each service that was called."""
        return {name: calls.figures for name, calls in self._calls.items()}

    async def probe(self, name: str) -> None:
        """Raises where the service does not answer at its health path with success."""
        at, well = self._probed.get(name, (float("-inf"), False))
        if self._clock.monotonic() - at > _PROBE_SECONDS:
            try:
                answer = await self.client(name).get(self.service(name).health or "/")
                well = answer.status_code < 400
            except httpx2.HTTPError:
                well = False
            self._probed[name] = self._clock.monotonic(), well
        if not well:
            raise ConnectionError(f"{name} is not well")

    def reroute(self, instead: httpx2.AsyncBaseTransport | None) -> None:
        """Send every request there and not over the network, for tests; None: over the network again."""
        self._instead = self.fetcher.instead = instead
        for wire in self._wires:
            wire.instead = instead

    async def close(self) -> None:
        """End all connections. What is in flight fails."""
        clients, tokens = list(self._clients.values()), list(self._tokens)
        for kept in (self._clients, self._tokens, self._wires, self._probed):
            kept.clear()
        await asyncio.gather(*(each.close() for each in tokens), *(each.aclose() for each in clients))

    def _make(self, name: str, service: ServiceOptions) -> httpx2.AsyncClient:
        calls = self._transport(name, service)
        self._calls[name] = calls
        headers = {"User-Agent": "Mainstay", "Accept-Encoding": ACCEPT_ENCODING, **dict(service.headers)}
        auth: httpx2.Auth | None = None
        if service.bearer is not None:
            headers["Authorization"] = f"Bearer {service.bearer.reveal()}"
        elif service.token is not None:
            issuer = replace(service, base_url=_root(service.token.token_url))
            asking = self._client(issuer, self._transport(f"{name} (tokens)", issuer), {})
            auth = ClientCredentials(service.token, asking, self._clock, calls.figures)
            self._tokens.append(auth)
        return self._client(service, calls, headers, auth)

    def _client(
        self, service: ServiceOptions, calls: Calls, headers: Mapping[str, str], auth: httpx2.Auth | None = None
    ) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            base_url=service.base_url,
            headers=headers,
            auth=auth,
            # One client serves everybody: what a service sets for one caller may not be sent for the next.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx2.Timeout(service.timeout, connect=service.connect_timeout, pool=service.wait),
            transport=calls,
            trust_env=False,
        )

    def _transport(self, name: str, service: ServiceOptions) -> Calls:
        if self._tls is None:
            self._tls = httpx2.create_ssl_context()
        wire = Wire(connections(self._tls, most=service.concurrency, proxy=service.proxy))
        wire.instead = self._instead
        self._wires.append(wire)
        return Calls(name, service, wire, self._clock, self._carry)


def _root(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

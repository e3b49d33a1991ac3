"""A service's client as a FastAPI dependency."""

from collections.abc import Awaitable, Callable

import httpx2

from mainstay.outbound.options import ServiceOptions
from mainstay.outbound.outbound import Outbound

Given = Callable[[], Awaitable[httpx2.AsyncClient]]


class Calling:
    """What an app calls `outbound`: names its services before it stands, and gives their clients while it runs."""

    def __init__(self, outbound: Callable[[], Outbound]) -> None:
        self._outbound = outbound
        self._declared: dict[str, ServiceOptions | None] = {}

    def __call__(self, name: str, service: ServiceOptions | None = None) -> Given:
        """A dependency that gives the client of this service; `service` says what settings don't."""
        self._declared[name] = service or self._declared.get(name)

        async def client() -> httpx2.AsyncClient:
            return self._outbound().client(name)

        return client

    def client(self, name: str) -> httpx2.AsyncClient:
        """The same outside requests: in jobs, commands and scripts."""
        return self._outbound().client(name)

    def declare(self) -> None:
        """Tell the room of all that were named. Raises ConfigurationError for one without a usable address."""
        for name, service in self._declared.items():
            self._outbound().declare(name, service)

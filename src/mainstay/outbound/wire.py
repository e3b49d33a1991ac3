"""The way out: real connections, or whatever a test puts in their place."""

import ssl

import httpx2


class Wire(httpx2.AsyncBaseTransport):
    """Real connections, or `instead` of them something else, at any time."""

    def __init__(self, real: httpx2.AsyncBaseTransport) -> None:
        self._real = real
        self.instead: httpx2.AsyncBaseTransport | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await (self.instead or self._real).handle_async_request(request)

    async def aclose(self) -> None:
        await self._real.aclose()


def connections(
    tls: ssl.SSLContext, *, most: int, kept: int | None = None, proxy: str | None = None
) -> httpx2.AsyncBaseTransport:
    """At most so many connections at once. Proxies that the environment names are not asked: settings name them."""
    limits = httpx2.Limits(max_connections=most, max_keepalive_connections=kept)
    return httpx2.AsyncHTTPTransport(verify=tls, trust_env=False, limits=limits, proxy=proxy)

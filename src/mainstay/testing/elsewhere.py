"""Other programs, as a test wants them: answers laid ready for the calls that an app makes."""

import json as as_json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from mainstay.outbound import ORIGINAL, Outbound

Made = Callable[[httpx2.Request], httpx2.Response]


@dataclass
class _Ready:
    method: str
    url: str
    make: Made
    times: int | None


class FakeServices(httpx2.AsyncBaseTransport):
    """Answers what the app asks of others; nothing goes over the network from then on.

    What happens around a call stays as it is: attempts, deadlines, limits, tokens, figures. A call that nothing was
    laid ready for raises AssertionError and names it.
    """

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._ready: deque[_Ready] = deque()
        self.calls: list[httpx2.Request] = []

    def answer(
        self,
        service: str,
        path: str = "",
        *,
        method: str = "GET",
        status: int = 200,
        json: Any = None,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        make: Made | None = None,
        times: int | None = None,
    ) -> None:
        """Answer calls of this path so: of a service by its name, or of an address, `https://hooks.example`.

        Queries are not compared. `make` makes the answer from the request, or raises an `httpx2.TransportError`. What
        was laid ready first is used first, `times` over; without `times` what was laid last stays.
        """
        root = service if "://" in service else self._outbound.service(service).base_url
        body = content if json is None else as_json.dumps(json).encode()
        given = {"Content-Type": "application/json"} if json is not None else {}
        given |= dict(headers or {})

        def whole(_: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(status, headers=given, content=body)

        url = root.rstrip("/") + path
        if times is None:
            self._ready = deque(each for each in self._ready if each.times is not None or not _same(each, method, url))
        self._ready.append(_Ready(method, url, make or whole, times))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        self.calls.append(request)
        asked = str(request.extensions.get(ORIGINAL, request.url)).partition("?")[0]
        for ready in self._ready:
            if _same(ready, request.method, asked) and ready.times != 0:
                ready.times = None if ready.times is None else ready.times - 1
                return ready.make(request)
        known = ", ".join(f"{each.method} {each.url}" for each in self._ready) or "nothing"
        raise AssertionError(f"the app called {request.method} {asked}; laid ready is {known}")


def _same(ready: _Ready, method: str, url: str) -> bool:
    return ready.method == method and httpx2.URL(ready.url) == httpx2.URL(url)

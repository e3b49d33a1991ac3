"""The two clients: one waits, one awaits."""

from typing import Self, Unpack

import httpx2

from mainstay.client.app_client import AppClient
from mainstay.client.session import ClientOptions
from mainstay.client.steps import Awaiting, Waiting


class Client(AppClient[Waiting]):
    """A session with the app at `url`. Requests carry its access token, which is exchanged shortly before it ends.

    `store` keeps the tokens; in memory unless you say otherwise. With `api_key` there is no session: it speaks for its
    owner. `on_signed_out(reason)` is told once that it is over: `signed-out`, `ended` (revoked, too old), `refused` (a
    fresh token was) or `elsewhere` (the store is empty). `tenant` is its id; resources are below `prefix`.

    `on_second_factor(problem)` and `on_step_up(problem)` answer another proof, such as `{"code": "123456"}`, or None;
    they are asked again, with `problem.refused`, where it is not taken. Of requests that need one at once, one asks.

    `http` is yours to make and close; otherwise requests have 30 seconds. Any number of threads use one client.
    """

    def __init__(self, url: str, *, http: httpx2.Client | None = None, **options: Unpack[ClientOptions]) -> None:
        super().__init__(url, Waiting(http), options)

    def close(self) -> None:
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class AsyncClient(AppClient[Awaiting]):
    """As Client, and awaited. What asks for proofs may be a coroutine function. One event loop uses it."""

    def __init__(self, url: str, *, http: httpx2.AsyncClient | None = None, **options: Unpack[ClientOptions]) -> None:
        super().__init__(url, Awaiting(http), options)

    async def close(self) -> None:
        await self._driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

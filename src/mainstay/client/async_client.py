"""The client that awaits: one object for any number of tasks."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, Unpack
from uuid import uuid4

import httpx2

from mainstay.client.resource import AsyncResourceClient
from mainstay.client.session import RequestOptions, Session, SignedOut
from mainstay.client.steps import Flow, StepUp, take_async
from mainstay.client.stores import TokenStore

T = TypeVar("T")


class AsyncClient:
    """A session with the app at `url`, as Client. `on_step_up` may be a coroutine function. One event loop uses it."""

    def __init__(
        self,
        url: str,
        *,
        store: TokenStore | None = None,
        tenant: str | None = None,
        prefix: str = "/api/v1",
        on_signed_out: SignedOut = None,
        on_step_up: StepUp = None,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        self._session = Session(url, store, tenant, on_signed_out)
        self._prefix = prefix
        self._step_up = on_step_up
        self._owned = http is None
        self._http = httpx2.AsyncClient(timeout=30) if http is None else http

    async def _take(self, flow: Flow[T]) -> T:
        return await take_async(flow, self._http, self._step_up)

    @property
    def is_signed_in(self) -> bool:
        """Whether there are tokens; the server is not asked."""
        return self._session.store.read() is not None

    async def sign_up(self, email: str, password: str, **account: Any) -> dict[str, Any]:
        return await self._take(self._session.sign_up({"email": email, "password": password, **account}))

    async def sign_in(self, email: str, password: str, **wishes: Any) -> str:
        """Start a session; the scopes it has. `scope` asks for fewer."""
        return await self.sign_in_by("/auth/sign-in", {"email": email, "password": password, **wishes})

    async def sign_in_by(self, path: str, proof: Mapping[str, Any]) -> str:
        """Any other way of signing in that answers a session: a letter's code, a second factor."""
        return await self._take(self._session.sign_in(path, proof))

    async def sign_out(self) -> None:
        """End this session. The tokens are forgotten even where the server cannot be reached."""
        await self._take(self._session.sign_out("/auth/sign-out"))

    async def sign_out_everywhere(self) -> int:
        """End all sessions of this user; how many there were."""
        return await self._take(self._session.sign_out("/auth/logout-all"))

    async def access_token(self) -> str | None:
        """A fresh one, for what this client does not do: streams, sockets. None when nobody is signed in."""
        tokens = await self._take(self._session.fresh())
        return None if tokens is None else tokens.access_token

    async def refresh(self) -> bool:
        """Exchange the tokens now; whether there is a session afterwards. You need not call it."""
        return await self._take(self._session.renew(None)) is not None

    async def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> httpx2.Response:
        """The answer, read to its end. Raises Problem (unless `check=False`) and Unreachable."""
        return await self._take(self._session.request(method, path, options))

    def resource(self, name: str) -> AsyncResourceClient:
        return AsyncResourceClient(self, self._prefix, name)

    async def batch(
        self, operations: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> list[dict[str, Any]]:
        """All or none, in order; an answer for each."""
        key = idempotency_key or uuid4().hex
        body = {"operations": operations}
        found = (await self.request("POST", f"{self._prefix}/batch", json=body, idempotency_key=key)).json()
        return list(found["results"])

    async def close(self) -> None:
        if self._owned:
            await self._http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

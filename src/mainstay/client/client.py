"""The client that waits: one object for any number of threads."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, Unpack
from uuid import uuid4

import httpx2

from mainstay.client.resource import ResourceClient
from mainstay.client.session import RequestOptions, Session, SignedOut
from mainstay.client.steps import Flow, StepUp, take
from mainstay.client.stores import TokenStore

T = TypeVar("T")


class Client:
    """A session with the app at `url`. Requests carry its access token, which is exchanged shortly before it ends.

    `store` keeps the tokens; in memory unless you say otherwise. `on_signed_out(reason)` is told once that it is over:
    `signed-out`, `ended` (revoked, too old), `refused` (a fresh token was) or `elsewhere` (the store is empty).
    `on_step_up(problem)` may get another proof; the request is repeated once if it says True. `http` is yours to make
    and close; otherwise requests have 30 seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        store: TokenStore | None = None,
        tenant: str | None = None,
        prefix: str = "/api/v1",
        on_signed_out: SignedOut = None,
        on_step_up: StepUp = None,
        http: httpx2.Client | None = None,
    ) -> None:
        self._session = Session(url, store, tenant, on_signed_out)
        self._prefix = prefix
        self._step_up = on_step_up
        self._owned = http is None
        self._http = httpx2.Client(timeout=30) if http is None else http

    def _take(self, flow: Flow[T]) -> T:
        return take(flow, self._http, self._step_up)

    @property
    def is_signed_in(self) -> bool:
        """Whether there are tokens; the server is not asked."""
        return self._session.store.read() is not None

    def sign_up(self, email: str, password: str, **account: Any) -> dict[str, Any]:
        return self._take(self._session.sign_up({"email": email, "password": password, **account}))

    def sign_in(self, email: str, password: str, **wishes: Any) -> str:
        """Start a session; the scopes it has. `scope` asks for fewer."""
        return self.sign_in_by("/auth/sign-in", {"email": email, "password": password, **wishes})

    def sign_in_by(self, path: str, proof: Mapping[str, Any]) -> str:
        """Any other way of signing in that answers a session: a letter's code, a second factor."""
        return self._take(self._session.sign_in(path, proof))

    def sign_out(self) -> None:
        """End this session. The tokens are forgotten even where the server cannot be reached."""
        self._take(self._session.sign_out("/auth/sign-out"))

    def sign_out_everywhere(self) -> int:
        """End all sessions of this user; how many there were."""
        return self._take(self._session.sign_out("/auth/logout-all"))

    def access_token(self) -> str | None:
        """A fresh one, for what this client does not do: streams, sockets. None when nobody is signed in."""
        tokens = self._take(self._session.fresh())
        return None if tokens is None else tokens.access_token

    def refresh(self) -> bool:
        """Exchange the tokens now; whether there is a session afterwards. You need not call it."""
        return self._take(self._session.renew(None)) is not None

    def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> httpx2.Response:
        """The answer, read to its end. Raises Problem (unless `check=False`) and Unreachable."""
        return self._take(self._session.request(method, path, options))

    def resource(self, name: str) -> ResourceClient:
        return ResourceClient(self, self._prefix, name)

    def batch(
        self, operations: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> list[dict[str, Any]]:
        """All or none, in order; an answer for each."""
        key = idempotency_key or uuid4().hex
        body = {"operations": operations}
        found = self.request("POST", f"{self._prefix}/batch", json=body, idempotency_key=key).json()
        return list(found["results"])

    def close(self) -> None:
        if self._owned:
            self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

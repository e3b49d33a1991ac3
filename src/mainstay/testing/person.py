"""Somebody who sends requests: a signed-in user of a tenant, or nobody in particular."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import httpx2 as httpx
from anyio.from_thread import BlockingPortal
from starlette.testclient import TestClient

from mainstay.assembly import Mainstay
from mainstay.base.context import Caller, acting
from mainstay.base.ids import request_id
from mainstay.testing.transport import PortalTransport

T = TypeVar("T")
ADDRESS = "http://testserver"


@dataclass(frozen=True, slots=True)
class Served:
    """An app that is open on the portal's loop."""

    app: Mainstay
    portal: BlockingPortal
    raise_exceptions: bool


class Person:
    """Sends requests as one user in one tenant: `ada.get("/api/v1/books")`, or `await ada.async_client.get(…)`.

    `client` is Starlette's TestClient and `async_client` an httpx client; both carry the user's token.
    """

    def __init__(
        self, served: Served, headers: dict[str, str], *, id: UUID | None = None, email: str | None = None
    ) -> None:
        self._served = served
        self.id = id
        self.email = email
        self.headers = headers
        self.client = TestClient(served.app, ADDRESS, served.raise_exceptions, headers=headers)
        # Requests run on the loop that the app was opened on; the client does not open the app once more.
        self.client.portal = served.portal
        self.async_client = httpx.AsyncClient(
            transport=PortalTransport(served.app, served.portal, raise_exceptions=served.raise_exceptions),
            base_url=ADDRESS,
            headers=headers,
            follow_redirects=True,
        )

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.client.get(url, **options)

    def post(self, url: str, **options: Any) -> httpx.Response:
        return self.client.post(url, **options)

    def put(self, url: str, **options: Any) -> httpx.Response:
        return self.client.put(url, **options)

    def patch(self, url: str, **options: Any) -> httpx.Response:
        return self.client.patch(url, **options)

    def delete(self, url: str, **options: Any) -> httpx.Response:
        return self.client.delete(url, **options)

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        return self.client.request(method, url, **options)

    def run(self, work: Callable[..., Awaitable[T]], *arguments: Any, **named: Any) -> T:
        """Call the app's own async code as this person: `ada.run(app.records(Book).create, title="Notes")`."""

        async def acted() -> T:
            with acting(await self.caller()):
                return await work(*arguments, **named)

        return self._served.portal.call(acted)

    async def caller(self) -> Caller:
        """This person as the app knows them; on the app's loop."""
        raw = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        return await self._served.app.rooms.identify.identify(raw, request_id())

    def close(self) -> None:
        """Close both clients; the app stays open."""
        self.client.close()
        self._served.portal.call(self.async_client.aclose)

    def __repr__(self) -> str:
        return f"<Person {self.email or 'anonymous'}>"

"""Two processes of one app over one database, and somebody who administers it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx

from mainstay import Mainstay
from mainstay.base.tenant import DEFAULT_TENANT
from tests.databases import Urls
from tests.journeys.shop import PASSWORD, settings_for, shop
from tests.patience import soon

ADMIN = "root@example.com"


class Processes:
    """`here` and `there` are clients of two apps that share nothing but the database."""

    def __init__(self, apps: tuple[Mainstay, Mainstay], clients: tuple[httpx.AsyncClient, httpx.AsyncClient]) -> None:
        self.app, self.other_app = apps
        self.here, self.there = clients

    async def sign_in(self, email: str = ADMIN, roles: tuple[str, ...] = ("admin",), **more: Any) -> dict[str, str]:
        """Headers of a user with these roles in the default tenant, or in `tenant`."""
        rooms, tenant = self.app.rooms, more.pop("tenant", None)
        if await rooms.identity.find_user(email) is None:
            await rooms.identity.create_user(email, PASSWORD, roles, tenant=tenant or DEFAULT_TENANT)
        named = None if tenant is None else str(tenant)
        tokens = await rooms.identity.sign_in(email, PASSWORD, tenant=named, **more)
        return {"Authorization": f"Bearer {tokens.access_token}"}


@asynccontextmanager
async def two_processes(urls: Urls, **settings: Any) -> AsyncIterator[Processes]:
    async with AsyncExitStack() as stack:
        apps = tuple(shop(urls, settings=settings_for(urls, **settings)) for _ in range(2))
        clients = []
        for app in apps:
            await stack.enter_async_context(app.running())
            transport = httpx.ASGITransport(app)
            clients.append(
                await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://test"))
            )
        yield Processes((apps[0], apps[1]), (clients[0], clients[1]))


async def within_a_second(holds: Callable[[], Awaitable[bool]]) -> float:
    """How long it took until it held. Fails after a second."""
    return await soon(holds)

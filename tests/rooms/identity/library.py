"""A small app on a fresh database, asked over HTTP, and what somebody needs to forge its tokens."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import httpx
import orjson
from sqlalchemy.orm import Mapped

from mainstay import Access, Mainstay, Resource, Settings, field, signed_in
from tests.databases import Urls
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.forged import Forger, unb64

PASSWORD = "correct horse battery"
ADA, BOB = "ada@example.org", "bob@example.org"
SECRET = "a-secret-key-for-tests-0123456789-abcdef"


class Folio(Resource):
    """Read by whoever is signed in."""

    __tablename__ = "folios"
    title: Mapped[str] = field(max_length=50)

    __access__ = Access(read=signed_in)


@dataclass
class Running:
    """The app, open."""

    app: Mainstay
    client: httpx.AsyncClient
    clock: WoundClock

    async def get(self, path: str, token: str) -> httpx.Response:
        return await self.client.get(path, headers=[(b"authorization", b"Bearer " + token.encode())])

    def told(self, answer: httpx.Response) -> bytes:
        """Status, challenge and body, without what differs from request to request."""
        body = re.sub(rb'"(request_id|instance)":"[^"]*"', b"", answer.content)
        return b"%d %s %s" % (answer.status_code, answer.headers["www-authenticate"].encode(), body)

    async def sign_in(self, email: str = ADA) -> str:
        return (await self.app.rooms.identity.sign_in(email, PASSWORD)).access_token

    async def forger(self) -> Forger:
        """Two users with a session each, and a ring with one key that is gone and one that was revoked."""
        identity = self.app.rooms.identity
        ring = identity._room.keys
        for email in (ADA, BOB):
            await identity.create_user(email, PASSWORD)
        gone = ring.newest
        await identity.keys.rotate(now=True)
        self.clock.advance(7200)
        revoked = ring.newest
        await identity.keys.revoke(revoked.kid)
        tokens = await identity.sign_in(ADA, PASSWORD)
        _, body, _ = tokens.access_token.split(".")
        honest = orjson.loads(unb64(body))
        _, theirs, _ = (await identity.sign_in(BOB, PASSWORD)).access_token.split(".")
        other = orjson.loads(unb64(theirs))
        await identity.revocations.poll()
        return Forger(ring.newest, gone, revoked, honest, UUID(other["sub"]), UUID(other["sid"]), tokens.refresh_token)


@asynccontextmanager
async def library(urls: Urls, clock: WoundClock, **settings: Any) -> AsyncIterator[Running]:
    with TemporaryDirectory() as folder:
        values = {"environment": "testing", "secret_key": SECRET, "migrate": True, "log_format": "off", **settings}
        chosen = Settings(database_url=urls.database_url, database_system_url=urls.system_url, **values)
        app = Mainstay(resources=[Folio], settings=chosen, clock=clock)
        app.configure(folder=Path(folder))
        async with app.running():
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                yield Running(app, client, clock)

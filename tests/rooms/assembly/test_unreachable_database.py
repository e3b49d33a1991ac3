"""What callers are told while the database is away, and that nothing but the database is needed to come back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.databases import Urls
from tests.journeys.shop import a_book, shop, signed_in_as, visiting


class Wire:
    """A connection to the database's port that can be cut and mended."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ends: set[asyncio.StreamWriter] = set()
        self._whole = True
        self.port = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._ends |= {writer, far_writer}
        await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            self._ends.discard(writer)
            writer.close()

    def cut(self) -> None:
        self._whole = False
        for end in list(self._ends):
            end.transport.abort()

    def mend(self) -> None:
        self._whole = True


@asynccontextmanager
async def wired(urls: Urls) -> AsyncIterator[tuple[Wire, Urls]]:
    port = urlsplit(urls.database_url).port
    assert port is not None
    wire = Wire(port)
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]

    def through(url: str) -> str:
        return url.replace(f":{port}/", f":{wire.port}/")

    try:
        yield wire, Urls(through(urls.database_url), through(urls.system_url), urls.name)
    finally:
        wire.cut()
        server.close()
        await server.wait_closed()


async def test_every_route_that_needs_the_database_is_503_and_the_rest_goes_on(postgresql_urls: Urls) -> None:
    async with wired(postgresql_urls) as (wire, urls):
        app = shop(urls)

        @app.get("/own")
        async def own() -> str:
            return "still here"

        async with visiting(app) as client:
            headers = await signed_in_as(client)
            book = await a_book(client, headers, published=True)
            wire.cut()
            asked = [
                ("GET", "/api/v1/books", None),
                ("GET", f"/api/v1/books/{book['id']}", None),
                ("POST", "/api/v1/authors", {"name": "Eve"}),
                ("POST", "/auth/sign-in", {"email": "ada@example.com", "password": "correct horse battery staple"}),
                ("GET", "/readyz", None),
            ]
            for method, path, body in asked:
                answer = await client.request(method, path, json=body, headers=headers)
                assert answer.status_code == 503, (path, answer.text)
                assert answer.headers["content-type"] == "application/problem+json"
                assert int(answer.headers["retry-after"]) >= 1
                assert "127.0.0.1" not in answer.text
            assert (await client.get("/livez")).status_code == 200
            assert (await client.get("/own", headers=headers)).json() == "still here"
            assert (await client.get("/health/database")).json()["status"] == "down"
            wire.mend()
            assert (await client.get("/readyz")).status_code == 200
            assert (await client.get(f"/api/v1/books/{book['id']}", headers=headers)).status_code == 200

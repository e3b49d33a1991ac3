"""The floor: bare ASGI, the driver and orjson over the same table, with nothing in between.

No validation, no policy, no events, no paging: what the machine could do if nothing else were asked of it.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
import pysqlite3  # type: ignore[import-untyped]  # it has no stubs

from mainstay.base.ids import uuid7

PAGE = 20


@dataclass(frozen=True, slots=True)
class FloorPlan:
    """The table, and whose rows. New rows are copies of the first, with `fresh` columns (keys, unique) of their own."""

    database: str
    table: str
    key: str
    tenant_column: str | None
    tenant: str
    fresh: Sequence[str]
    token: bytes


class Driver(Protocol):
    """Three statements, without anything around them."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def page(self) -> bytes: ...

    async def one(self, key: str) -> bytes: ...

    async def create(self) -> bytes: ...


class Statements:
    """The SQL of a plan over these columns, with `?1` or `$1` for values."""

    def __init__(self, plan: FloorPlan, columns: Sequence[str], mark: str) -> None:
        self.shown = tuple(name for name in columns if name != plan.tenant_column)
        mine = f'"{plan.tenant_column}" = {mark}1' if plan.tenant_column else f"CAST({mark}1 AS text) IS NOT NULL"
        chosen = f'SELECT {_listed(self.shown)} FROM "{plan.table}" WHERE {mine}'  # noqa: S608  names only, quoted
        self.page = f'{chosen} ORDER BY "{plan.key}" LIMIT {PAGE}'
        self.one = f'{chosen} AND "{plan.key}" = {mark}2'
        marks = ", ".join(f"{mark}{number + 1}" for number in range(len(columns)))
        self.insert = f'INSERT INTO "{plan.table}" ({_listed(columns)}) VALUES ({marks})'  # noqa: S608  likewise


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


class Rows:
    """New rows after the pattern of one that is there."""

    def __init__(self, plan: FloorPlan, columns: Sequence[str], pattern: Sequence[Any]) -> None:
        self._pattern = list(pattern)
        self._key = columns.index(plan.key)
        self._fresh = [columns.index(name) for name in plan.fresh if name != plan.key]
        self._number = 0

    def next(self) -> list[Any]:
        self._number += 1
        row = list(self._pattern)
        row[self._key] = str(uuid7())
        for at in self._fresh:
            row[at] = f"{row[at]}-{row[self._key]}" if isinstance(row[at], str) else None
        return row


class SQLiteFloor:
    """pysqlite3 on the loop for reads; one writer thread that commits in groups."""

    def __init__(self, plan: FloorPlan) -> None:
        self._plan = plan
        self._waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()

    async def open(self) -> None:
        self._reader = self._connect()
        self._reader.execute("PRAGMA mmap_size = 268435456")
        found = self._reader.execute(f'SELECT * FROM "{self._plan.table}" LIMIT 1')  # noqa: S608  a name, quoted
        pattern = dict(zip([each[0] for each in found.description], found.fetchone(), strict=True))
        # The stable row number of SQLite's own; each row gets its next by itself.
        pattern.pop("rid", None)
        self._columns = tuple(pattern)
        self._sql = Statements(self._plan, self._columns, "?")
        self._rows = Rows(self._plan, self._columns, list(pattern.values()))
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _connect(self) -> Any:
        return pysqlite3.connect(self._plan.database, isolation_level=None, check_same_thread=False)

    async def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()
        self._reader.close()

    async def page(self) -> bytes:
        rows = self._reader.execute(self._sql.page, (self._plan.tenant,)).fetchall()
        return orjson.dumps([dict(zip(self._sql.shown, row, strict=True)) for row in rows])

    async def one(self, key: str) -> bytes:
        row = self._reader.execute(self._sql.one, (self._plan.tenant, key)).fetchone()
        return orjson.dumps(dict(zip(self._sql.shown, row, strict=True)))

    async def create(self) -> bytes:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Any]] = loop.create_future()
        self._waiting.put((loop, future))
        return orjson.dumps(dict(zip(self._columns, await future, strict=True)))

    def _write(self) -> None:
        writer = self._connect()
        writer.execute("PRAGMA synchronous = FULL")
        while True:
            items = [self._waiting.get()]
            with contextlib.suppress(queue.Empty):
                while True:
                    items.append(self._waiting.get_nowait())
            if None in items:
                writer.close()
                return
            writer.execute("BEGIN IMMEDIATE")
            rows = [self._rows.next() for _ in items]
            for row in rows:
                writer.execute(self._sql.insert, row)
            writer.execute("COMMIT")
            for (loop, future), row in zip(items, rows, strict=True):
                loop.call_soon_threadsafe(future.set_result, row)


class PostgresFloor:
    """asyncpg and its prepared statements, as the role that owns the tables."""

    def __init__(self, plan: FloorPlan) -> None:
        self._plan = plan

    async def open(self) -> None:
        import asyncpg  # noqa: PLC0415  an optional driver

        self._pool = await asyncpg.create_pool(
            self._plan.database,
            min_size=10,
            max_size=20,
            # The owner sees rows under row security only while it says so.
            server_settings={"mainstay.system": "on"},
            init=_as_text,
            reset=_as_it_is,
        )
        found = await self._pool.fetchrow(f'SELECT * FROM "{self._plan.table}" LIMIT 1')  # noqa: S608  a name, quoted
        # Columns that the database works out itself (full-text) cannot be given.
        computed = {
            row[0]
            for row in await self._pool.fetch(
                "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attgenerated <> ''",
                self._plan.table,
            )
        }
        names = list(found.keys()) if found else []
        columns = tuple(name for name in names if name not in computed)
        self._sql = Statements(self._plan, columns, "$")
        self._rows = Rows(self._plan, columns, [found[name] for name in columns] if found else [])
        self._columns = columns

    async def close(self) -> None:
        await self._pool.close()

    async def page(self) -> bytes:
        rows = await self._pool.fetch(self._sql.page, self._plan.tenant)
        return orjson.dumps([dict(row) for row in rows], default=str)

    async def one(self, key: str) -> bytes:
        row = await self._pool.fetchrow(self._sql.one, self._plan.tenant, key)
        return orjson.dumps(dict(row) if row else None, default=str)

    async def create(self) -> bytes:
        row = self._rows.next()
        await self._pool.execute(self._sql.insert, *row)
        return orjson.dumps(dict(zip(self._columns, row, strict=True)), default=str)


async def _as_text(connection: Any) -> None:
    for name in ("uuid", "json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=str)


async def _as_it_is(connection: Any) -> None:
    """asyncpg would ask the server to forget what a session set, once more for each request."""


class FloorApp:
    """`GET /` the page, `GET /<key>` one row, `POST /` a new one; a token is compared and that is all."""

    def __init__(self, plan: FloorPlan) -> None:
        self._token = plan.token
        self._driver: Driver = PostgresFloor(plan) if plan.database.startswith("postgres") else SQLiteFloor(plan)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if dict(scope["headers"]).get(b"authorization") != self._token:
            await _answer(send, 401, b"{}")
        elif scope["method"] == "POST":
            await receive()
            await _answer(send, 201, await self._driver.create())
        elif scope["path"] == "/":
            await _answer(send, 200, await self._driver.page())
        else:
            await _answer(send, 200, await self._driver.one(scope["path"][1:]))

    async def _lifespan(self, receive: Any, send: Any) -> None:
        steps: list[Callable[[], Awaitable[None]]] = [self._driver.open, self._driver.close]
        for step, word in zip(steps, ("startup", "shutdown"), strict=True):
            await receive()
            await step()
            await send({"type": f"lifespan.{word}.complete"})


async def _answer(send: Any, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

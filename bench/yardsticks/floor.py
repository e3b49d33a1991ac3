"""The floor: what the machine can do with bare ASGI, the driver and orjson, and a token verified once.

GET /posts is list-20, GET /posts/N is get-one, POST /posts is create (SQLite: group commit, synchronous=FULL).
Run by `make bench` under Granian on one core; DB names the SQLite file or the PostgreSQL address.
"""

import asyncio
import os
import queue
import sqlite3
import threading
from typing import Any

import asyncpg
import jwt
import orjson

DB = os.environ.get("DB", "t.db")
POSTGRES = DB.startswith("postgres")
SECRET = "x" * 40
COLUMNS = ("id", "title", "body", "author_id", "created_at")
SELECT = "SELECT id,title,body,author_id,created_at FROM posts WHERE tenant_id="
LIST_SQLITE, GET_SQLITE = SELECT + "? ORDER BY id DESC LIMIT ? OFFSET ?", SELECT + "? AND id=?"
LIST_POSTGRES, GET_POSTGRES = SELECT + "$1 ORDER BY id DESC LIMIT $2 OFFSET $3", SELECT + "$1 AND id=$2"
INSERT_SQLITE = "insert into posts(tenant_id,title,body,author_id,created_at) values(?,?,?,?,?) returning id"
INSERT_POSTGRES = (
    "insert into posts(tenant_id,title,body,author_id,created_at) values($1,$2,$3,$4,now()::timestamp) returning id"
)

verified: dict[bytes, int] = {}
waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
pool: Any = None
connection: Any = None


def tenant(headers: Any) -> int:
    token = b""
    for name, value in headers:
        if name == b"authorization":
            token = value[7:]
            break
    known = verified.get(token)
    if known is None:
        known = verified[token] = int(jwt.decode(token, SECRET, algorithms=["HS256"])["sub"])
    return known


def write_in_groups() -> None:
    writer = sqlite3.connect(DB, isolation_level=None)
    writer.execute("pragma journal_mode=wal")
    writer.execute("pragma synchronous=full")
    while True:
        items = [waiting.get()]
        while True:
            try:
                items.append(waiting.get_nowait())
            except queue.Empty:
                break
        writer.execute("begin immediate")
        ids = [writer.execute(INSERT_SQLITE, values).fetchone()[0] for values, _, _ in items]
        writer.execute("commit")
        for (_, loop, future), key in zip(items, ids, strict=True):
            loop.call_soon_threadsafe(future.set_result, key)


async def open_database() -> None:
    global pool, connection
    if POSTGRES:
        pool = await asyncpg.create_pool(DB, min_size=10, max_size=20)
    else:
        connection = sqlite3.connect(DB, check_same_thread=False)
        connection.execute("pragma mmap_size=268435456")
        threading.Thread(target=write_in_groups, daemon=True).start()


async def list_posts(t: int) -> bytes:
    if POSTGRES:
        async with pool.acquire() as c:
            return orjson.dumps([dict(row) for row in await c.fetch(LIST_POSTGRES, t, 20, 0)])
    rows = connection.execute(LIST_SQLITE, (t, 20, 0)).fetchall()
    return orjson.dumps([dict(zip(COLUMNS, row, strict=False)) for row in rows])


async def get_post(t: int, key: int) -> bytes:
    if POSTGRES:
        async with pool.acquire() as c:
            return orjson.dumps(dict(await c.fetchrow(GET_POSTGRES, t, key)))
    row = connection.execute(GET_SQLITE, (t, key)).fetchone()
    return orjson.dumps(dict(zip(COLUMNS, row, strict=False)))


async def create_post(t: int, receive: Any) -> bytes:
    d = orjson.loads((await receive())["body"])
    if POSTGRES:
        async with pool.acquire() as c:
            key = await c.fetchval(INSERT_POSTGRES, t, d["title"], d["body"], t)
    else:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        waiting.put(((t, d["title"], d["body"], t, "2026-01-01 00:00:00"), loop, future))
        key = await future
    return orjson.dumps({"id": key, **d})


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        while True:
            if (await receive())["type"] == "lifespan.startup":
                await open_database()
                await send({"type": "lifespan.startup.complete"})
            else:
                await send({"type": "lifespan.shutdown.complete"})
                return
    path, status = scope["path"], 200
    if path == "/hello":
        body = b'{"hello":"world"}'
    elif scope["method"] == "POST":
        body, status = await create_post(tenant(scope["headers"]), receive), 201
    elif path == "/posts":
        body = await list_posts(tenant(scope["headers"]))
    else:
        body = await get_post(tenant(scope["headers"]), int(path[7:]))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

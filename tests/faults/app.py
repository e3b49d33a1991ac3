"""The app that the faults are inflicted on: written into the folder where a test serves it."""

APP = '''"""Notes, and routes that behave badly."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Mapped

from mainstay import Access, Mainstay, Resource, anyone, field


class Base(Resource, family=True):
    __abstract__ = True


class Note(Base):
    """Something to remember."""

    __tablename__ = "notes"
    __access__ = Access(read=anyone, write=anyone)

    text: Mapped[str] = field(max_length=20_000)


app = Mainstay(title="Notes", resources=[Note])


@app.get("/large")
async def large() -> Response:
    return Response(b"x" * 32_000_000)


@app.get("/endless")
async def endless() -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536

    return StreamingResponse(pieces())


@app.get("/slow")
async def slow() -> str:
    Path(f"begun-{id(asyncio.current_task())}").touch()
    while not Path("go").exists():
        await asyncio.sleep(0.02)
    return "done"


@app.cached(ttl=0.2, shared="everyone")
async def counted(number: int) -> int:
    return number + 1


@app.get("/cached/{number}")
async def cached(number: int) -> int:
    return await counted(number)


@app.post("/echo")
async def echo(request: Request) -> Response:
    return Response(await request.body())
'''

"""Refresh rotations per second, durable, beside a bare loop that makes the same commits and signatures.

Both run in this process, over the same database, with as many clients at once. The bare loop writes one row of its own
and signs a token of the same length, and does nothing else: it looks nothing up and decides nothing.

    python -m bench.refresh [sqlite] [postgresql]
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, update

from mainstay import Mainstay
from mainstay.assembly.settings import Settings
from mainstay.identity.sessions.session import Tokens  # house: door: what is measured
from mainstay.identity.sessions.start_session import start_session  # house: door: as many sessions as clients
from mainstay.identity.tables import sessions  # house: door: the bare loop's rows
from mainstay.identity.tokens.access_token import sign  # house: door: the bare loop's signature

CLIENTS, SECONDS, ROUNDS, BAR = 32, 2.0, 3, 0.6
KEY = "a-secret-key-for-benches-0123456789-abcdef"
PAST = "0" * 320  # as long as a family's own
BARE = (
    update(sessions)
    .where(sessions.c.id == bindparam("session"))
    .values(number=bindparam("number"), past=bindparam("past"), turn=bindparam("turn"), last_used_at=bindparam("now"))
)


def measured(urls: dict[str, str] | None = None) -> dict[str, float]:
    """Rotations per second, and those of the bare loop; on a new SQLite file, unless settings name a database."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measured(Path(folder), urls or {"MAINSTAY_DATABASE_URL": f"sqlite:///{folder}/refresh.db"}))


async def _measured(folder: Path, urls: dict[str, str]) -> dict[str, float]:
    named: Any = {name.removeprefix("MAINSTAY_").lower(): url for name, url in urls.items()}
    settings = Settings(environment="testing", secret_key=KEY, log_format="off", migrate=True, **named)
    app = Mainstay(settings=settings)
    app.configure(folder=folder)
    async with app.running():
        identity = app.rooms.identity
        room = identity._room
        user = await identity.find_user("reader@example.org")
        if user is None:
            user = await identity.create_user("reader@example.org", "correct horse battery staple")
        held: list[Tokens] = [await start_session(room, user.id, methods=["pwd"]) for _ in range(CLIENTS)]

        async def rotate(client: int) -> None:
            held[client] = await identity.refresh(held[client].refresh_token)

        async def bare(client: int) -> None:
            session, now = held[client].session, room.now()
            await room.control.write(_one(room, session.id, now), single=True)
            sign(
                room.keys.newest,
                room.options,
                int(now.timestamp()),
                session.user_id,
                session.id,
                session.tenant_id,
                None,
                auth_time=int(now.timestamp()),
                amr=("pwd",),
            )

        figures = {"bare": 0.0, "rotations": 0.0}
        tokens = list(held)
        for _ in range(ROUNDS):  # in turn, so that a busy moment hits both
            figures["rotations"] = max(figures["rotations"], await _per_second(rotate))
            tokens, held[:] = list(held), tokens
            figures["bare"] = max(figures["bare"], await _per_second(bare))
            held[:] = [await start_session(room, user.id, methods=["pwd"]) for _ in range(CLIENTS)]
        return figures


def _one(room: Any, session: Any, now: Any) -> Any:
    yield room.control.step(BARE, session=session, number=1, past=PAST, turn=1, now=now)


async def _per_second(work: Callable[[int], Awaitable[None]]) -> float:
    done, until = 0, time.perf_counter() + SECONDS
    began = time.perf_counter()

    async def client(number: int) -> None:
        nonlocal done
        while time.perf_counter() < until:
            await work(number)
            done += 1

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return done / (time.perf_counter() - began)


def section(engine: str, figures: dict[str, float]) -> list[str]:
    """The lines of the report."""
    ratio = figures["rotations"] / figures["bare"]
    told = "met" if ratio >= BAR else "NOT met"
    return [
        "",
        f"Refresh rotations on {engine}, durable, {CLIENTS} clients at once: {figures['rotations']:,.0f}/s,"
        f" the bare loop {figures['bare']:,.0f}/s: {ratio:.2f} (≥ {BAR}: {told})",
    ]


if __name__ == "__main__":
    from bench.run import rotations

    print("\n".join(rotations(sys.argv[1:] or ["sqlite"])))

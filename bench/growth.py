"""What grows and what must not: a million rows, deep cursors, ten thousand tenants, slow queries beside quick ones.

Requests go to the generated routes in this process, without a server and without authentication: those cost the same
whatever lies in the database, and would only make the ratios kinder. `python -m bench.growth` runs this part alone.
"""

import argparse
import asyncio
import contextlib
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.app import Post
from bench.filling import LARGE, SMALL, Filling, key_of, tenant_of, user_of
from bench.footprint import Footprint
from bench.postgres import Addresses, fresh_databases
from mainstay.base.actor import Actor
from mainstay.base.context import Caller
from mainstay.base.tenant import TenantScope
from mainstay.resources import Records, Registry
from mainstay.resources.cursors import Cursors
from mainstay.resources.rest import RestRoutes
from mainstay.storage import DatabaseOptions, open_database

KEY = b"k" * 32
# Others use this machine too: the sides take turns in short rounds, and the median of the rounds' ratios counts.
ROUNDS, REQUESTS, TOGETHER = 9, 1_000, 8
BAR = 0.85
SEARCH = b"title.contains=nowhere"


@dataclass
class Growth:
    """The figures of one engine: ratios by name, and p99 of list-20 in milliseconds alone and beside a slow query."""

    engine: str
    ratios: dict[str, float] = field(default_factory=dict)
    alone: float = 0.0
    beside: float = 0.0

    def lines(self) -> list[str]:
        """Rows of a Markdown table."""
        rows = [
            f"| {name} | {self.engine} | {ratio:.2f} | ≥ {BAR:.2f}: {'met' if ratio >= BAR else 'NOT met'} |"
            for name, ratio in self.ratios.items()
        ]
        times = self.beside / self.alone if self.alone else 0.0
        name = f"p99 of list-20 beside `contains` over 1,000,000 rows ({self.alone:.2f} → {self.beside:.2f} ms)"
        return [*rows, f"| {name} | {self.engine} | {times:.2f} × | ≤ 2 ×: {'met' if times <= 2 else 'NOT met'} |"]


class Known:
    """base.ports.Identify for callers made beforehand: the header names one."""

    def __init__(self) -> None:
        self.callers: dict[bytes, Caller] = {}

    def recall(self, headers: Iterable[tuple[bytes, bytes]], request_id: str, method: str = "") -> Caller | None:
        for _, value in headers:
            known = self.callers[value]
            return Caller(known.actor, known.scope, request_id)
        return None

    async def identify(self, headers: Iterable[tuple[bytes, bytes]], request_id: str, method: str = "") -> Caller:
        raise RuntimeError("Every caller of the bench is known.")


class Side:
    """The generated routes over one database."""

    def __init__(self, url: str, system_url: str | None) -> None:
        self.database = open_database(DatabaseOptions(url=url, system_url=system_url))
        registry = Registry()
        registry.add(Post)
        self.known = Known()
        self.records = Records(registry, self.database, cursor_key=KEY)
        self.routes = RestRoutes(registry, self.records, self.known)

    def caller(self, number: int) -> bytes:
        """The name of the member of this tenant whose rows are every tenth of its own."""
        name = str(number).encode()
        if name not in self.known.callers:
            actor = Actor(UUID(user_of(number, 0)), frozenset({"user"}))
            self.known.callers[name] = Caller(actor, TenantScope(UUID(tenant_of(number))), "bench")
        return name

    def page_after(self, tenant: int, row: int) -> bytes:
        """The query string of the twenty of a tenant's rows that follow this one."""
        query = self.records["posts"].read_query(b"")
        cursor = Cursors(KEY).seal(tenant_of(tenant).encode() + query.binding, [key_of(tenant, row)])
        return b"after=" + cursor.encode()

    async def list(self, caller: bytes, query: bytes = b"") -> bytes:
        scope = {
            "type": "http", "method": "GET", "path": "/api/v1/posts", "raw_path": b"/api/v1/posts",
            "query_string": query, "headers": [(b"authorization", caller)],
        }  # fmt: skip
        status, _, body = await self.routes.answer(scope, _nothing)
        if status != 200:
            raise RuntimeError(f"{query!r} was answered {status}: {body[:200]!r}")
        return body


async def _nothing() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


Ask = Callable[[], Any]


async def seconds(asks: Sequence[Ask], together: int) -> float:
    """How long it takes to ask for all of these, some at a time.

    An embedded database works in this process: then it is the processor's time, which other programs don't change.
    """
    if together == 1:
        started = time.process_time()
        for ask in asks:
            await ask()
        return time.process_time() - started
    started = time.perf_counter()
    left = iter(asks)

    async def work() -> None:
        for ask in left:
            await ask()

    await asyncio.gather(*(work() for _ in range(together)))
    return time.perf_counter() - started


async def ratio(ours: Sequence[Ask], base: Sequence[Ask], together: int) -> float:
    """Rate of ours against the base's: the median over rounds in which each goes first in turn."""
    found = []
    for number in range(ROUNDS):
        taken = {}
        for which in (number % 2 == 0, number % 2 == 1):
            asks = ours if which else base
            taken[which] = await seconds(asks, together) / len(asks)
        found.append(taken[False] / taken[True])
    return statistics.median(found)


async def measure(engine: str, small: Side, large: Side) -> Growth:
    """All figures of one engine."""
    found, together = Growth(engine), 1 if engine == "sqlite" else TOGETHER
    chosen = random.Random(1)  # noqa: S311  no secret
    big = range(LARGE.big)
    few = [chosen.choice(big) for _ in range(REQUESTS)]
    at_small = [partial(small.list, small.caller(n)) for n in few]
    at_large = [partial(large.list, large.caller(n)) for n in few]
    last = {n: large.page_after(n, LARGE.big_rows - 21) for n in big}
    second = {n: large.page_after(n, 19) for n in big}
    if b'"next":null' not in await large.list(large.caller(0), last[0]):
        raise RuntimeError("The last page is not the last.")
    at_end = [partial(large.list, large.caller(n), last[n]) for n in few]
    at_second = [partial(large.list, large.caller(n), second[n]) for n in few]
    one = [partial(large.list, large.caller(0))] * REQUESTS
    many = list(range(LARGE.big, LARGE.big + LARGE.small))
    chosen.shuffle(many)
    all_of_them = [partial(large.list, large.caller(n)) for n in many]
    for asks in (at_small, at_large, at_second, at_end, all_of_them):
        await seconds(asks, together)
    found.ratios["list-20, 1,000,000 rows against 10,000"] = await ratio(at_large, at_small, together)
    found.ratios["list-20, last cursor page against first"] = await ratio(at_end, at_large, together)
    # Both have a cursor to check, to bind and to make: what is left is the depth.
    found.ratios["list-20, last cursor page against second"] = await ratio(at_end, at_second, together)
    found.ratios["list-20, 10,000 tenants against 1"] = await ratio(all_of_them, one, together)
    found.alone = await p99(large)
    async with searching(large):
        found.beside = await p99(large)
    return found


async def p99(side: Side, duration: float = 3.0) -> float:
    """Milliseconds that 99 of 100 lists take at most, the wait for the event loop included."""
    taken: list[float] = []
    end = time.perf_counter() + duration
    number = 0
    while (started := time.perf_counter()) < end:
        await asyncio.sleep(0)
        await side.list(side.caller(number % LARGE.big))
        taken.append(time.perf_counter() - started)
        number += 1
    return statistics.quantiles(taken, n=100)[-1] * 1000


@asynccontextmanager
async def searching(side: Side) -> AsyncIterator[None]:
    """A slow query after the other, one at a time, while the block runs."""

    async def search() -> None:
        while True:
            with contextlib.suppress(Exception):
                await side.list(side.caller(0), SEARCH)

    task = asyncio.create_task(search())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def grown(engine: str, small: tuple[str, str | None], large: tuple[str, str | None]) -> Growth:
    """Fill two databases of one engine and measure."""
    sides = []
    for filling, (url, system_url) in ((SMALL, small), (LARGE, large)):
        await Filling(url, system_url).fill(filling)
        sides.append(Side(url, system_url))
    try:
        for side in sides:
            await side.database.open()
        return await measure(engine, *sides)
    finally:
        for side in sides:
            await side.database.close()


def run(engines: Iterable[str], folder: Path) -> list[Growth]:
    """Measure these engines on one core."""
    cores = os.sched_getaffinity(0)
    found = []
    for engine in engines:
        if engine == "sqlite":
            one, other = (f"sqlite:///{folder}/growth-{name}.db" for name in ("small", "large"))
            with on_one_core(cores):
                found.append(asyncio.run(grown(engine, (one, None), (other, None))))
        else:
            with (
                fresh_databases("growth_unused", "growth_small") as small,
                fresh_databases("growth_unused", "growth_large") as large,
                on_one_core(cores),
            ):
                found.append(asyncio.run(grown(engine, _urls(small), _urls(large))))
        print("\n".join(found[-1].lines()), flush=True)
    return found


@contextlib.contextmanager
def on_one_core(cores: set[int]) -> Any:
    """As the other measurements: this process on the first core, everybody else where they like."""
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _urls(addresses: Addresses) -> tuple[str, str | None]:
    return addresses.mainstay["MAINSTAY_DATABASE_URL"], addresses.mainstay["MAINSTAY_DATABASE_SYSTEM_URL"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engines", default="sqlite,postgresql")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print("\n".join(Footprint.measure(Path(folder)).lines()), flush=True)
        run(asked.engines.split(","), Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())

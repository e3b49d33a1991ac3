"""Fresh databases on the project's private PostgreSQL, for as long as the bench runs."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import asyncpg

from scripts import services


@dataclass(frozen=True)
class Addresses:
    """The yardsticks' database, and Mainstay's as its two roles see it."""

    floor: str
    mainstay: dict[str, str]


@contextmanager
def fresh_databases(floor: str = "bench_floor", ours: str = "bench_mainstay") -> Iterator[Addresses]:
    """Two empty databases; Mainstay's requests come under the role that cannot bypass row security."""
    with services.Services().lease() as cluster:
        asyncio.run(_make(cluster.url("postgres", services.SUPERUSER), (floor, ours)))
        yield Addresses(
            cluster.url(floor),
            {
                "MAINSTAY_DATABASE_URL": cluster.url(ours, services.APP),
                "MAINSTAY_DATABASE_SYSTEM_URL": cluster.url(ours),
            },
        )


async def _make(address: str, names: tuple[str, ...]) -> None:
    connection = await asyncpg.connect(address)
    for name in names:
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {name} OWNER {services.OWNER}")
    await connection.close()


async def analyze(address: str) -> None:
    """Have the planner know what is in a database that was just filled."""
    connection = await asyncpg.connect(address)
    await connection.execute("ANALYZE")
    await connection.close()

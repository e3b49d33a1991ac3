"""A fresh database on a PostgreSQL server, for the time of one test."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

from mainstay.base.errors import ConfigurationError


@contextmanager
def fresh_database(server: str | None) -> Iterator[str | None]:
    """The URL of a new, empty database beside the one named, dropped afterwards; None for None (a SQLite file).

    The role of the URL must be allowed to create databases.
    """
    if server is None:
        yield None
        return
    name = f"mainstay_test_{secrets.token_hex(6)}"
    asyncio.run(_execute(server, f'CREATE DATABASE "{name}"'))
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        asyncio.run(_execute(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _execute(url: str, statement: str) -> None:
    try:
        import asyncpg  # noqa: PLC0415  an optional driver
    except ImportError:
        fix = "pip install 'mainstay[postgres]', or leave out --mainstay-database."
        raise ConfigurationError("tests on PostgreSQL need its driver, which is not installed.", fix=fix) from None
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()

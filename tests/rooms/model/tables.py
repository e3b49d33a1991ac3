"""Tables of a declaration made in a fresh database, and a Database to reach them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import UUID

import pysqlite3  # type: ignore[import-untyped]  # it has no stubs
from sqlalchemy import MetaData, create_engine, event
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from mainstay.base.tenant import TenantScope
from mainstay.storage import Database, DatabaseOptions, open_database
from tests.databases import Urls

T = TypeVar("T")
TENANT = TenantScope(UUID("00000000-0000-7000-8000-00000000000a"))
OTHER = TenantScope(UUID("00000000-0000-7000-8000-00000000000b"))


async def make_tables(urls: Urls, metadata: MetaData) -> None:
    """Create the tables as the owner, with plain SQLAlchemy."""
    if urls.name == "sqlite":
        engine = create_engine(urls.database_url, module=pysqlite3)
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=ON"))
        metadata.create_all(engine)
        engine.dispose()
        return
    owner = create_async_engine(urls.system_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with owner.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await owner.dispose()


@asynccontextmanager
async def opened(urls: Urls, metadata: MetaData) -> AsyncIterator[Database]:
    """A Database over the tables, closed afterwards."""
    await make_tables(urls, metadata)
    database = open_database(DatabaseOptions(url=urls.system_url, system_url=urls.system_url))
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def in_session(urls: Urls, work: Callable[[Session], T]) -> T:
    """Do the work in a plain SQLAlchemy session as the owner: no guard of ours but what the declaration gives."""
    if urls.name == "sqlite":
        engine = create_engine(urls.database_url, module=pysqlite3)
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=ON"))
        try:
            with Session(engine) as session:
                return work(session)
        finally:
            engine.dispose()
    owner = create_async_engine(urls.system_url.replace("postgresql://", "postgresql+asyncpg://"))
    try:
        async with AsyncSession(owner) as session:
            return await session.run_sync(work)
    finally:
        await owner.dispose()

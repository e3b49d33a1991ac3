"""An audit over a fresh database, opened by the test, and raw SQL on the same database with the triggers off."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from mainstay.base.secret import MasterKey, Secret
from mainstay.base.tenant import SystemScope
from mainstay.storage import Database, DatabaseOptions, open_database
from mainstay.storage.control import ControlPlane, in_turn
from mainstay.storage.migrations import Plan, migrate
from mainstay.telemetry.audit import SCHEMA, Audit, AuditOptions, Deed
from tests.databases import Urls

MASTER = MasterKey(Secret("a master key for tests, long enough"))
SYSTEM = SystemScope("tests")
ACME, OTHER = UUID(int=1), UUID(int=2)
ADA, BOB = UUID(int=0xADA), UUID(int=0xB0B)
START = datetime(2026, 5, 1, 12, tzinfo=UTC)


class StillClock:
    """Goes on only where a test says so."""

    def __init__(self) -> None:
        self.moment, self.seconds = START, 0.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    def forward(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
        self.seconds += seconds


class Ledger:
    """One database, and as many audits over it as a test opens."""

    def __init__(self, urls: Urls, clock: StillClock, stack: AsyncExitStack) -> None:
        self.urls, self.clock, self._stack = urls, clock, stack

    async def database(self) -> Database:
        database = open_database(DatabaseOptions(self.urls.database_url, self.urls.system_url))
        await database.open()
        self._stack.push_async_callback(database.close)
        return database

    async def audit(self, master: MasterKey = MASTER, **options: Any) -> Audit:
        return Audit(await self.database(), SYSTEM, master, replace(AuditOptions(), **options), self.clock)

    async def note(self, audit: Audit, *deeds: Deed) -> None:
        """Each in the queue, in one transaction."""
        control = ControlPlane(await self.database(), SYSTEM)
        await control.write(in_turn([audit.note(deed) for deed in deeds]))

    async def raw(self, *statements: str, triggers: bool = False) -> list[Any]:
        """Run SQL as somebody with the owner's password; the rows of the last one."""
        if self.urls.name == "sqlite":
            return self._raw_sqlite(statements, triggers)
        connection = await asyncpg.connect(self.urls.system_url)
        try:
            await connection.execute("SELECT set_config('mainstay.system', 'on', false)")
            if not triggers:
                await connection.execute("ALTER TABLE mainstay_audit DISABLE TRIGGER USER")
            rows: list[Any] = []
            for statement in statements:
                rows = [tuple(row) for row in await connection.fetch(statement)]
            if not triggers:
                await connection.execute("ALTER TABLE mainstay_audit ENABLE TRIGGER USER")
            return rows
        finally:
            await connection.close()

    def _raw_sqlite(self, statements: tuple[str, ...], triggers: bool) -> list[Any]:
        import pysqlite3  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: PLC0415  untyped

        connection = pysqlite3.connect(self.urls.database_url.removeprefix("sqlite:///"), isolation_level=None)
        try:
            kept = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            if not triggers:
                for name in ("mainstay_audit_unchanged", "mainstay_audit_undeleted"):
                    connection.execute(f"DROP TRIGGER {name}")
            rows: list[Any] = []
            try:
                for statement in statements:
                    rows = connection.execute(statement).fetchall()
            except pysqlite3.DatabaseError as error:
                raise sqlite3.DatabaseError(str(error)) from error
            if not triggers:
                for (text,) in kept:
                    connection.execute(text)
            return rows
        finally:
            connection.close()


@asynccontextmanager
async def ledger_of(urls: Urls) -> AsyncIterator[Ledger]:
    database = open_database(DatabaseOptions(urls.database_url, urls.system_url))
    await database.open()
    await migrate(database, Plan(rooms=[SCHEMA]))
    await database.close()
    async with AsyncExitStack() as stack:
        yield Ledger(urls, StillClock(), stack)


def deed(name: str = "session.started", chain: UUID = ACME, **more: Any) -> Deed:
    """Something that Ada did."""
    told = {"actor_id": ADA, "user_id": ADA, "origin": {"address": "192.0.2.7"}}
    return Deed(name, START, chain, **{**told, "details": {"email": "ada@example.com"}, **more})

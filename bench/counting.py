"""What a statement costs a database, counted instead of timed: the same on a busy machine and on an idle one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from pysqlite3 import dbapi2  # type: ignore[import-untyped]  # ships no types

from mainstay.base.tenant import TenantScope
from mainstay.storage import Statement
from mainstay.storage.statement import Raw


class Counting:
    """A connection that counts: SQLite's instructions, or the pages that PostgreSQL touches."""

    def __init__(self, connection: Any, *, embedded: bool) -> None:
        self._connection, self._embedded = connection, embedded

    async def cost(self, statement: Statement, values: Raw, scope: TenantScope) -> int:
        """Of the whole statement, as it is run for this tenant once it is known to the database."""
        arguments = statement.bind(scope, values)
        if self._embedded:
            return self._instructions(statement.sql, arguments)
        # After five plans of its own the server chooses whether it keeps one for all values.
        run = f"EXECUTE looked ({', '.join(map(_literal, arguments))});"
        await self._connection.execute(f"PREPARE looked AS {statement.sql}; {run * 6}")
        lines = await self._connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) {run}")
        await self._connection.execute("DEALLOCATE looked")
        # The first line about buffers is that of the whole.
        told = next((line[0] for line in lines if "Buffers: shared" in line[0]), "")
        return sum(int(part.partition("=")[2]) for part in told.split() if part.startswith(("hit=", "read=")))

    def _instructions(self, sql: str, arguments: Any) -> int:
        count = 0

        def counted() -> int:
            nonlocal count
            count += 1
            return 0

        self._connection.set_progress_handler(counted, 1)
        self._connection.execute(sql, arguments).fetchall()
        self._connection.set_progress_handler(None, 0)
        return count


@asynccontextmanager
async def counting(url: str) -> AsyncIterator[Counting]:
    """Counts on a connection of its own; PostgreSQL's should be that of the role that requests come under."""
    if url.startswith("sqlite"):
        file = dbapi2.connect(url.removeprefix("sqlite:///"))
        try:
            yield Counting(file, embedded=True)
        finally:
            file.close()
        return
    connection = await asyncpg.connect(url)
    try:
        yield Counting(connection, embedded=False)
    finally:
        await connection.close()


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"'{{{','.join(map(str, value))}}}'"
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"

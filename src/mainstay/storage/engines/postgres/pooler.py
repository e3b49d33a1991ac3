"""Whether a pooler such as PgBouncer stands before the server, and what it does with prepared statements."""

from enum import Enum

from mainstay.storage.engines.postgres.pool import Connection

# Two statements of the driver's: the look at them is itself prepared.
_OURS = "SELECT count(*) FROM pg_catalog.pg_prepared_statements WHERE name LIKE '\\_\\_asyncpg\\_%'"


class Pooled(Enum):
    """What stands between."""

    NOTHING = "nothing"
    FOLLOWS = "a pooler that follows prepared statements"
    FORGETS = "a pooler that does not follow prepared statements, or is not asked to"


async def between(connection: Connection) -> bool:
    """Whether a pooler answers in the server's place: the process it named at the start is not the one at work."""
    async with connection.transaction():
        return bool(await connection.fetchval("SELECT pg_catalog.pg_backend_pid()") != connection.get_server_pid())


async def pooled(connection: Connection, *, prepared: bool) -> Pooled:
    """What stands between. `prepared` says whether the connection keeps its prepared statements.

    PgBouncer 1.21 gives prepared statements names of its own; one that leaves ours alone does not follow them.
    """
    if not await between(connection):
        return Pooled.NOTHING
    if not prepared:
        return Pooled.FORGETS
    async with connection.transaction():
        return Pooled.FORGETS if await connection.fetchval(_OURS) else Pooled.FOLLOWS

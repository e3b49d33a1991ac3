"""PostgreSQL's errors in the words of `storage.errors` and `base.errors`."""

from typing import Any

import asyncpg

from mainstay.base.errors import StorageFull, Unavailable
from mainstay.storage.errors import CheckFailed, ReferenceMissing, UniqueClash

# https://www.postgresql.org/docs/current/errcodes-appendix.html
INSUFFICIENT_PRIVILEGE = "42501"
# What an unreachable, starting, stopping or overfull server raises.
AWAY: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # The server's farewell came while the connection lay idle.
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
# The same, and whatever else a server says instead of letting one in.
REFUSED: tuple[type[Exception], ...] = (*AWAY, asyncpg.PostgresError)


def lost(error: BaseException) -> bool:
    """Whether the connection is gone, so that a read may be tried once more on another."""
    return isinstance(error, AWAY) and not isinstance(error, TimeoutError)


def translate(error: Exception) -> Exception:
    """The error to raise instead of the driver's; the driver's own if it is a programming mistake."""
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return _constraint(error)
    if isinstance(error, TimeoutError | asyncpg.QueryCanceledError):
        return Unavailable("The query took too long.", fix="Add an index, or raise the statement timeout.")
    if isinstance(error, asyncpg.DiskFullError):
        return StorageFull("The database's disk is full; nothing was written.", fix="Free space on the server.")
    if isinstance(error, asyncpg.DeadlockDetectedError | asyncpg.SerializationError | asyncpg.LockNotAvailableError):
        return Unavailable("Another change was in the way; try again.")
    if isinstance(error, asyncpg.InsufficientPrivilegeError) and "row-level security" in str(error):
        return CheckFailed("row security")
    if isinstance(error, asyncpg.exceptions.DataError):
        # Raised by the driver for a value that does not fit the type, and by the server likewise.
        return CheckFailed("type")
    if isinstance(error, asyncpg.InvalidSQLStatementNameError | asyncpg.DuplicatePreparedStatementError):
        return Unavailable(
            "The database is busy; try again.",
            fix="A connection pooler lost a prepared statement: end MAINSTAY_DATABASE_URL in `?prepared=off`.",
        )
    if isinstance(error, AWAY):
        return away(error)
    return error


def away(error: BaseException) -> Unavailable:
    """The server cannot be reached."""
    return Unavailable(
        "The database cannot be reached.",
        retry_after=2,
        fix=f"PostgreSQL says: {type(error).__name__}: {error}. See that it runs and accepts connections.",
    )


def _constraint(error: Any) -> Exception:
    table = error.table_name or ""
    if isinstance(error, asyncpg.UniqueViolationError | asyncpg.ExclusionViolationError):
        return UniqueClash((), table, error.constraint_name or "")
    if isinstance(error, asyncpg.ForeignKeyViolationError):
        return ReferenceMissing((), table, error.constraint_name or "")
    if isinstance(error, asyncpg.NotNullViolationError):
        return CheckFailed(f"{table}.{error.column_name}")
    return CheckFailed(error.constraint_name or table)

"""SQLite's error codes in the words of `storage.errors` and `base.errors`."""

import re

from pysqlite3 import dbapi2 as sqlite

from mainstay.base.errors import StorageFull, Unavailable
from mainstay.storage.errors import CheckFailed, ReferenceMissing, UniqueClash

# https://sqlite.org/rescode.html
BUSY, LOCKED, READONLY, INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN, TOOBIG, MISMATCH, NOTADB = (
    5, 6, 8, 9, 10, 11, 13, 14, 18, 20, 26,
)  # fmt: skip
CHECK, FOREIGN_KEY, NOT_NULL, PRIMARY_KEY, TRIGGER, UNIQUE, ROWID, DATATYPE = (
    275,
    787,
    1299,
    1555,
    1811,
    2067,
    2579,
    3091,
)
_NAMED = re.compile(r"failed: (.+)\Z")


def interrupted(error: Exception) -> bool:
    """Whether a deadline stopped the statement."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == INTERRUPT


def translate(error: Exception) -> Exception:
    """The error to raise instead of the driver's; the driver's own if it is a programming mistake."""
    if isinstance(error, OverflowError):
        return CheckFailed("64-bit integer")
    if not isinstance(error, sqlite.Error):
        return error
    code: int = getattr(error, "sqlite_errorcode", 0)
    if code & 0xFF == 19:
        return _constraint(code, str(error))
    match code & 0xFF:
        case 5 | 6:
            return Unavailable(
                "The database is busy; try again.",
                fix="Another program holds the database file's lock: close it, or let it finish.",
            )
        case 9:
            return Unavailable("The query took too long.", fix="Add an index, or raise the statement timeout.")
        case 13:
            return StorageFull("The disk is full; nothing was written.", fix="Free space where the database file lies.")
        case 8 | 14 | 10:
            return Unavailable(
                "The database cannot be used at the moment.",
                retry_after=5,
                fix=f"SQLite says: {error}. Check that the file, its folder and its -wal and -shm files are writable.",
            )
        case 11 | 26:
            return Unavailable(
                "The database cannot be used at the moment.",
                retry_after=60,
                fix=f"SQLite says: {error}. Restore the file from a backup.",
            )
        case 18 | 20:
            return CheckFailed("size" if code & 0xFF == TOOBIG else "type")
    return error


def _constraint(code: int, message: str) -> Exception:
    found = _NAMED.search(message)
    named = found[1] if found else ""
    # pysqlite3 gives the primary code only (19): then the message says which kind of rule it was.
    if code in (UNIQUE, PRIMARY_KEY, ROWID) or message.startswith("UNIQUE "):
        pairs = [part.strip().rpartition(".") for part in named.split(",")]
        columns = tuple(column for _, _, column in pairs if column != "tenant_id")
        return UniqueClash(columns, pairs[0][0])
    if code in (FOREIGN_KEY, TRIGGER) or message.startswith("FOREIGN KEY "):
        return ReferenceMissing()
    return CheckFailed(named)

"""SQLite's error codes in the words of `storage.errors` and `base.errors`."""

import re

from mainstay.base.errors import StorageFull, Unavailable
from mainstay.storage.errors import CheckFailed, ReferenceMissing, UniqueClash

# https://sqlite.org/rescode.html: primary codes are the low byte.
BUSY, LOCKED, READONLY, INTERRUPT, IOERR, CORRUPT, FULL = 5, 6, 8, 9, 10, 11, 13
CANTOPEN, TOOBIG, CONSTRAINT, MISMATCH, NOTADB = 14, 18, 19, 20, 26
_NAMED = re.compile(r"failed: (.+)\Z")


def interrupted(error: Exception) -> bool:
    """Whether a deadline stopped the statement."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == INTERRUPT


def translate(error: Exception) -> Exception:
    """The error to raise instead of the driver's; the error itself if it is no refusal of the database."""
    if isinstance(error, OverflowError):
        return CheckFailed("64-bit integer")
    code: int = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == CONSTRAINT:
        return _constraint(str(error))
    if code in (BUSY, LOCKED):
        return Unavailable(
            "The database is busy; try again.",
            fix="Another program holds the database file's lock: close it, or let it finish.",
        )
    if code == INTERRUPT:
        return Unavailable("The query took too long.", fix="Add an index, or raise the statement timeout.")
    if code == FULL:
        return StorageFull("The disk is full; nothing was written.", fix="Free space where the database file lies.")
    if code in (READONLY, CANTOPEN, IOERR):
        return Unavailable(
            "The database cannot be used at the moment.",
            retry_after=5,
            fix=f"SQLite says: {error}. Check that the file, its folder and its -wal and -shm files are writable.",
        )
    if code in (CORRUPT, NOTADB):
        return Unavailable(
            "The database cannot be used at the moment.",
            retry_after=60,
            fix=f"SQLite says: {error}. Restore the file from a backup.",
        )
    if code in (TOOBIG, MISMATCH):
        return CheckFailed("size" if code == TOOBIG else "type")
    return error


def _constraint(message: str) -> Exception:
    # pysqlite3 gives the primary code only, so the message says which kind of rule it was.
    found = _NAMED.search(message)
    named = found[1] if found else ""
    if message.startswith("UNIQUE "):
        pairs = [part.strip().rpartition(".") for part in named.split(",")]
        columns = tuple(column for _, _, column in pairs if column != "tenant_id")
        return UniqueClash(columns, pairs[0][0])
    if message.startswith("FOREIGN KEY "):
        return ReferenceMissing()
    return CheckFailed(named)

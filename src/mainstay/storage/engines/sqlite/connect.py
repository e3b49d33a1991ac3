"""Opening a SQLite file: the library, its settings, and the refusals that keep the file whole."""

import contextlib
import fcntl
import os
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from mainstay.base.errors import ConfigurationError
from mainstay.storage.engines.sqlite.library import OWN_DRIVER, sqlite

# Before it, two processes that checkpoint and write at the same instant can corrupt a WAL file.
# https://sqlite.org/releaselog/3_51_3.html
SAFE_FOR_PROCESSES = (3, 51, 3)
_guarded: set[str] = set()
_hook_added = False
_hook_mutex = threading.Lock()


def safe_for_processes(version: tuple[int, ...] | None = None) -> bool:
    """Whether several processes may share one file with this SQLite."""
    return (version or sqlite.sqlite_version_info) >= SAFE_FOR_PROCESSES


class Connection(sqlite.Connection):  # type: ignore[misc]  # pysqlite3 ships no types
    """A connection whose statements may be given a deadline."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.deadline = float("inf")
        # Called every 4,000 steps of SQLite's machine, roughly each 100 µs of work.
        self.set_progress_handler(self._late, 4000)

    def _late(self) -> bool:
        return time.monotonic() > self.deadline


C = TypeVar("C", bound=Connection)
# No mutex of SQLite's own: it would lock and unlock one for every value it hands over, and each of our connections is
# used by one thread at a time. https://sqlite.org/threadsafe.html. The standard library's driver cannot be told.
_READ_WRITE, _CREATE, _NO_MUTEX = 0x2, 0x4, 0x8000
_ONE_AT_A_TIME: dict[str, Any] = {"flags": _READ_WRITE | _CREATE | _NO_MUTEX} if OWN_DRIVER else {}


def open_connection(path: Path, *, reads_only: bool, busy_timeout: float, factory: type[C]) -> C:
    """A connection with Mainstay's settings, in autocommit. It may move between threads, used by one at a time."""
    if not reads_only:
        _make_file(path)
    connection: C = sqlite.connect(
        str(path),
        timeout=busy_timeout,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
        factory=factory,
        **_ONE_AT_A_TIME,
    )
    try:
        connection.create_function("sha256_hex", 1, _sha256_hex, deterministic=True)
        if not reads_only:
            connection.execute("PRAGMA journal_mode=WAL").fetchall()
            connection.execute("PRAGMA journal_size_limit=67108864").fetchall()
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        # As much as SQLite can map: address space only. Rows of many tenants lie all over the file, and a page that is
        # not mapped costs a read call each time.
        connection.execute("PRAGMA mmap_size=2147418112").fetchall()
        connection.execute("PRAGMA cache_size=-16384")
        if reads_only:
            connection.execute("PRAGMA query_only=ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _sha256_hex(text: str | None) -> str | None:
    return None if text is None else sha256(text.encode()).hexdigest()


def _make_file(path: Path) -> None:
    """A new file is for its owner and group alone, unlike what SQLite makes; its log and index follow it."""
    with contextlib.suppress(OSError):
        # Never one that is there: closing it would let go of every lock that this process holds on it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640))


def check_folder(path: Path) -> None:
    """Raise ConfigurationError, with what to do, where the file cannot be opened and written."""
    folder = path.parent
    if not folder.is_dir():
        raise ConfigurationError(
            f"The database {path} cannot be opened: its folder does not exist.", fix=f"Create it: mkdir -p {folder}"
        )
    if path.is_dir():
        raise ConfigurationError(f"The database {path} is a folder.", fix="Name a file in MAINSTAY_DATABASE_URL.")
    for place in (folder, path) if path.exists() else (folder,):
        if not os.access(place, os.W_OK):
            raise ConfigurationError(
                f"The database {path} cannot be written: {place} is read-only for this user.",
                fix="Give the user that runs Mainstay write permission on it, or choose another folder.",
            )


def claim_alone(path: Path, version: tuple[int, ...] | None = None) -> int | None:
    """With an old SQLite, keep every other process off the file; returns the descriptor that holds the claim.

    None where the library is safe. Raises ConfigurationError when another process has the file open.
    """
    if safe_for_processes(version):
        return None
    descriptor = os.open(f"{path}-alone", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        named = ".".join(map(str, version or sqlite.sqlite_version_info))
        raise ConfigurationError(
            f"Another process has {path} open, and SQLite {named} can corrupt a file that processes share.",
            fix="Install pysqlite3 0.6.1 or later (SQLite 3.51.3 or later), or run one process.",
        ) from None
    return descriptor


def guard_file(path: Path) -> None:
    """Refuse the standard library's driver on this file from now on, in this process.

    Two SQLite libraries in one process break each other's POSIX locks on a file (https://sqlite.org/howtocorrupt.html
    §2.2). pysqlite3 raises no audit event, so every event is somebody else's connection.
    """
    global _hook_added
    if not OWN_DRIVER:
        return
    with _hook_mutex:
        _guarded.add(os.path.realpath(path))
        if not _hook_added:
            sys.addaudithook(_refuse_other_driver)
            _hook_added = True


def _refuse_other_driver(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "sqlite3.connect" or not arguments:
        return
    named = arguments[0]
    if not isinstance(named, str | bytes | os.PathLike):
        return
    text = os.fsdecode(named)
    if text.startswith("file:"):
        text = text[5:].partition("?")[0]
    if os.path.realpath(text) in _guarded:
        raise ConfigurationError(
            "The standard library's sqlite3 must not open Mainstay's database in the same process.",
            fix="Use app.records(…), a session of the database, or `from pysqlite3 import dbapi2 as sqlite3`.",
        )

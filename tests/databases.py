"""Fresh databases for tests, dropped afterwards.

Most are copied from one that has the rooms' tables already: to make those takes a hundred statements, and a copy a few
milliseconds.
"""

import asyncio
import os
import secrets
import shutil
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from mainstay.assembly.migrations import ROOMS
from mainstay.storage import DatabaseOptions, open_database
from mainstay.storage.migrations import Plan, migrate
from scripts import services

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Urls:
    """One fresh database: `database_url` for requests, `system_url` for migrations and the control plane.

    On PostgreSQL they are two roles, and the first cannot bypass row security; on SQLite both are the same file.
    """

    database_url: str
    system_url: str
    name: str


def make_rooms(urls: Urls) -> None:
    """Every room's tables, made by their own revisions, as when an app starts on an empty database."""

    async def work() -> None:
        database = open_database(DatabaseOptions(urls.database_url, urls.system_url))
        await database.open()
        try:
            await migrate(database, Plan(rooms=ROOMS))
        finally:
            await database.close()

    # On a thread of its own, because a test's loop may be running on this one.
    with ThreadPoolExecutor(1) as threads:
        threads.submit(lambda: asyncio.run(work())).result()


def copy_file(source: Path, urls: Urls) -> None:
    """Let the SQLite database start as a copy of that file."""
    shutil.copyfile(source, urls.database_url.removeprefix("sqlite:///"))


class Administrator:
    """Makes and drops databases on a loop of its own, so that it works whether or not the test runs in one."""

    def __init__(self, cluster: services.PostgreSQL) -> None:
        self.cluster = cluster
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="test-databases", daemon=True)
        self._thread.start()
        # As the cluster's superuser: only it sees and ends everybody's sessions.
        url = cluster.url("postgres", services.SUPERUSER)
        self._connection: asyncpg.Connection[Any] = self._run(asyncpg.connect(url))
        self._rooms: str | None = None

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def create(self, *, rooms: bool = False) -> Urls:
        """A database of mainstay_owner's: empty, or with every room's tables."""
        if not rooms:
            return self._clone(services.TEMPLATE)
        if self._rooms is None:
            made = self._clone(services.TEMPLATE)
            make_rooms(made)
            self._rooms = made.system_url.rpartition("/")[2]
        return self._clone(self._rooms)

    def _clone(self, template: str) -> Urls:
        name = f"test_{os.getpid()}_{secrets.token_hex(6)}"
        owner = services.OWNER
        self._run(self._connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {owner}"))
        return Urls(self.cluster.url(name, services.APP), self.cluster.url(name, owner), "postgresql")

    def disconnect(self, name: str) -> None:
        """End every session on a database of ours, such as those that a pooler keeps."""
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
        self._run(self._connection.fetch(query, name))

    def drop(self, urls: Urls) -> list[str]:
        """Drop it; answers what the sessions that were still open on it had last run."""
        name = urls.database_url.rpartition("/")[2]
        query = "SELECT query FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'"
        deadline = time.monotonic() + 2  # a session that was closed takes the server a moment to end
        while (left := self._run(self._connection.fetch(query, name))) and time.monotonic() < deadline:
            time.sleep(0.02)
        self._run(self._connection.execute(f"DROP DATABASE {name} WITH (FORCE)"))
        return [row[0] for row in left]

    def sweep(self) -> None:
        """Drop the databases of test runs that were killed."""
        for row in self._run(self._connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'")):
            name = row[0]
            if not Path(f"/proc/{name.split('_')[1]}").exists():
                self._run(self._connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))

    def close(self) -> None:
        if self._rooms is not None:
            self._run(self._connection.execute(f"DROP DATABASE {self._rooms} WITH (FORCE)"))
        self._run(self._connection.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

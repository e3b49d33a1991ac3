"""The mail room on a fresh database, and processes over it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from mainstay.base.clock import Clock
from mainstay.base.secret import MasterKey, Secret
from mainstay.base.tenant import SystemScope
from mainstay.mail import SCHEMA, Engine, Mail, MailOptions, Memory, QueueOptions
from mainstay.storage import Database, DatabaseOptions, open_database
from mainstay.storage.control import ControlPlane
from mainstay.storage.migrations import Plan, migrate
from tests.databases import Urls

MASTER = MasterKey(Secret("a master key for tests, long enough"))
SYSTEM = SystemScope("tests")
OPTIONS = MailOptions(sender="Shop <noreply@shop.example>", app="Shop", url="https://shop.example")


@dataclass
class Office:
    """One process: its own loop over a queue that others may share."""

    database: Database
    mail: Mail
    control: ControlPlane

    @property
    def sent(self) -> list[Any]:
        engine = self.mail.engine
        assert isinstance(engine, Memory)
        return list(engine.messages)


@dataclass
class Town:
    """A database, and as many processes over it as the test asks for."""

    urls: Urls
    clock: Clock
    opened: list[Office] = field(default_factory=list)

    async def open(
        self,
        engine: Engine | None = None,
        *,
        serving: bool = False,
        master: MasterKey = MASTER,
        queue: QueueOptions | None = None,
        **options: Any,
    ) -> Office:
        database = open_database(DatabaseOptions(self.urls.database_url, self.urls.system_url))
        await database.open()
        chosen = replace(OPTIONS, queue=queue or QueueOptions(), **options)
        mail = Mail(database, SYSTEM, master, engine or Memory(), chosen, self.clock)
        office = Office(database, mail, ControlPlane(database, SYSTEM))
        self.opened.append(office)
        await mail.open(serving=serving)
        return office


@asynccontextmanager
async def town(urls: Urls, clock: Clock) -> AsyncIterator[Town]:
    """A migrated database; what was opened over it is closed."""
    database = open_database(DatabaseOptions(urls.database_url, urls.system_url))
    await database.open()
    try:
        await migrate(database, Plan(rooms=[SCHEMA]))
    finally:
        await database.close()
    built = Town(urls, clock)
    try:
        yield built
    finally:
        for office in built.opened:
            await office.mail.close()
            await office.database.close()

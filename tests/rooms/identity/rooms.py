"""Identity and tenancy on a fresh database, opened and closed with the test."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from mainstay.assembly.wiring.identity_to_tenancy import TenantMemberships
from mainstay.base.clock import Clock
from mainstay.base.secret import MasterKey, Secret
from mainstay.base.tenant import SystemScope
from mainstay.identity import SCHEMA as IDENTITY
from mainstay.identity import Identity, IdentityOptions, PasswordOptions
from mainstay.identity.accounts import AccountOptions
from mainstay.storage import Database, DatabaseOptions, open_database
from mainstay.storage.migrations import Plan, migrate
from mainstay.tenancy import SCHEMA as TENANCY
from mainstay.tenancy import Tenancy, TenancyOptions
from tests.databases import Urls

MASTER = MasterKey(Secret("a master key for tests, long enough"))
SYSTEM = SystemScope("tests")
PASSWORD = "correct horse battery"
# Cheap hashes: what is tested here is not their cost.
CHEAP = PasswordOptions(memory_kib=64, passes=1)


# Accounts can be used at once, and nobody waits for an answer to look like another; where that is tested, it says so.
AT_ONCE = AccountOptions(verified=False, steady_seconds=0.0)


@dataclass
class Sent:
    """One letter."""

    kind: str
    to: str
    values: Mapping[str, Any]
    language: str | None


class KeptLetters:
    """A mail room that keeps letters for the test to read, from when they are queued."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    def letter(
        self, kind: str, to: str, values: Mapping[str, Any], language: str | None = None, person: UUID | None = None
    ) -> Sequence[Any]:
        self.sent.append(Sent(kind, to, values, language))
        return ()

    def belong(self, address: str, person: UUID) -> Sequence[Any]:
        return ()

    def last(self, to: str) -> Sent:
        """The newest letter to this address."""
        return [each for each in self.sent if each.to == to][-1]


@dataclass
class Rooms:
    """One process: its own memory over a database that others may share."""

    database: Database
    identity: Identity
    tenancy: Tenancy
    letters: KeptLetters

    async def revoke_elsewhere(self) -> None:
        """Hear what other processes revoked, and note what was seen, as the poller does four times a second."""
        await self.identity.revocations.poll()
        if self.identity.revocations.beside is not None:
            await self.identity.revocations.beside()


@dataclass
class House:
    """A database, and as many processes over it as the test asks for."""

    urls: Urls
    clock: Clock
    opened: list[Rooms] = field(default_factory=list)

    async def open(self, master: MasterKey = MASTER, resolvers: tuple[Any, ...] = (), **options: Any) -> Rooms:
        database = open_database(DatabaseOptions(self.urls.database_url, self.urls.system_url))
        await database.open()
        settings = replace(IdentityOptions(passwords=CHEAP, poll_seconds=3600.0, accounts=AT_ONCE), **options)
        tenancy = Tenancy(database, SYSTEM, TenancyOptions(resolvers=resolvers), self.clock)
        letters = KeptLetters()
        identity = Identity(database, SYSTEM, master, settings, self.clock, TenantMemberships(tenancy), letters)
        tenancy.revoke = identity.revocations
        identity.catalogue.add_resource("books")
        rooms = Rooms(database, identity, tenancy, letters)
        self.opened.append(rooms)
        await tenancy.open()
        await identity.open()
        return rooms


@asynccontextmanager
async def house(urls: Urls, clock: Clock) -> AsyncIterator[House]:
    await migrated(urls)
    built = House(urls, clock)
    try:
        yield built
    finally:
        for rooms in built.opened:
            await rooms.identity.close()
            await rooms.database.close()


async def migrated(urls: Urls) -> None:
    """Both rooms' tables, made by their own revisions."""
    database = open_database(DatabaseOptions(urls.database_url, urls.system_url))
    await database.open()
    try:
        await migrate(database, Plan(rooms=[IDENTITY, TENANCY]))
    finally:
        await database.close()

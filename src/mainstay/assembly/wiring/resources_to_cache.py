"""Resources meet the cache: what was made of rows is void when they change, here at once, elsewhere by the outbox."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from mainstay.base.tenant import DEFAULT_TENANT, SystemScope
from mainstay.cache import Cache, Marks
from mainstay.resources import Registry
from mainstay.storage import Database
from mainstay.storage.tail import Heard, Tail, TailOptions

log = logging.getLogger("mainstay.cache")
CHANNEL = "mainstay.cache"
MOST_TAGS = 100_000
# Of one transaction: beyond this, all rows of the table count as changed.
MOST_KEYS = 200
_RETRY, _PATIENCE, _PAUSE = 1.0, 0.5, 0.005


class OutboxLog:
    """cache.ports.VoidLog over the outbox: every process reads it, so that none depends on being told.

    Nothing is read, and no writer is listened to, before somebody uses tags.
    """

    def __init__(self, database: Database, scope: SystemScope, registry: Registry) -> None:
        self._database, self._registry = database, registry
        self._tail = Tail(database, scope, self._heard, TailOptions(channel=CHANNEL))
        self._marks = Marks(MOST_TAGS)
        self._cache: Cache | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting: asyncio.Task[None] | None = None
        # `_fresh`: following was asked for, and did not succeed or fail yet.
        self._wanted = self._fresh = False
        self._names: dict[str, tuple[str, ...]] | None = None

    def tell(self, cache: Cache) -> None:
        """This is whom to tell what this process commits."""
        self._cache = cache

    async def epoch(self) -> str:
        """A name of the database that no other has."""
        return await self._tail.epoch()

    async def open(self) -> None:
        """The database is open."""
        self._loop = asyncio.get_running_loop()
        if self._wanted:
            self._fresh = True
            self._begin()

    async def close(self) -> None:
        """Stop reading."""
        starting, self._starting, self._loop = self._starting, None, None
        if starting is not None:
            starting.cancel()
            await asyncio.wait([starting])
        await self._tail.stop()

    # cache.ports.VoidLog

    def follow(self) -> None:
        """Read from now on; until that is under way nothing that has tags is kept."""
        if not self._wanted:
            self._wanted = self._fresh = True
            self._database.on_commit(self._committed)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._begin)

    async def ready(self) -> None:
        """Wait until the first look is over, for half a second at most. On any loop."""
        waited = 0.0
        while self._fresh and waited < _PATIENCE and self._tail.behind():
            await asyncio.sleep(_PAUSE)
            waited += _PAUSE

    def position(self) -> int:
        return self._tail.position

    def fresh(self, tags: Iterable[str], position: int) -> bool:
        return self._marks.fresh(tags, position)

    def blind(self) -> bool:
        return self._tail.behind()

    async def announce(self, tenant: str, tags: Sequence[str]) -> None:
        """One more row in the outbox, under the tenant's name, or the default tenant's where it is for everybody."""
        if self._database.is_open:
            await self._tail.note(_as_tenant(tenant), {"tags": list(tags)})

    # Inside

    def _begin(self) -> None:
        if self._starting is None and self._loop is not None:
            self._starting = self._loop.create_task(self._start(), name="mainstay-cache-log")

    async def _start(self) -> None:
        silent = False
        while True:
            try:
                await self._tail.start()
                await self._catch_up()
            except Exception as error:
                if not silent:
                    log.warning("changes of rows cannot be read yet, so nothing made of rows is kept: %s", error)
                silent, self._fresh = True, False
                await asyncio.sleep(_RETRY)
            else:
                self._fresh = False
                return

    async def _catch_up(self) -> None:
        self._marks.floor = max(self._marks.floor, self._tail.floor)
        for _ in range(int(_PATIENCE / _PAUSE)):
            # What was written just before this began may not have its place yet.
            if not self._tail.behind():
                return
            await asyncio.sleep(_PAUSE)
            await self._tail.look()

    def _heard(self, changes: Sequence[Heard]) -> None:
        place = changes[-1].place
        for each in changes:
            if each.channel == CHANNEL and each.note is not None:
                self._marks.put(map(str, each.note.get("tags", ())), place)
        rows = ((each.tenant, each.channel, each.key) for each in changes if each.channel != CHANNEL)
        for tenant, pairs in self._grouped(rows):
            self._marks.changed(tenant, pairs, place)

    def _committed(self, changes: Iterable[tuple[str, str, str]]) -> None:
        if self._cache is None:
            return
        try:
            for tenant, pairs in self._grouped(changes):
                self._cache.changed(tenant, pairs)
        except Exception:
            # The rows are written, and their writer is not to be told otherwise; the outbox tells within a second.
            log.exception("what was made of changed rows could not be voided at once")

    def _grouped(self, changes: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, Iterable[tuple[str, str]]]]:
        found: dict[str, dict[tuple[str, str], None]] = defaultdict(dict)
        for tenant, channel, key in changes:
            for name in self._names_of(channel):
                found[tenant][name, key] = None
        for tenant, pairs in found.items():
            yield tenant, {(name, "") for name, _ in pairs} if len(pairs) > MOST_KEYS else pairs

    def _names_of(self, channel: str) -> tuple[str, ...]:
        """The names a change's tag may have: the resource's and the table's."""
        if self._names is None:
            known: dict[str, set[str]] = defaultdict(set)
            for entry in self._registry:
                table = entry.spec.model.__table__.name
                known[table] |= {table, entry.name}
                known[entry.name] |= {table, entry.name}
            self._names = {name: tuple(sorted(names)) for name, names in known.items()}
        return self._names.get(channel, (channel,))


def _as_tenant(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return DEFAULT_TENANT

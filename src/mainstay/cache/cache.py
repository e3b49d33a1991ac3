"""The cache as its users hold it."""

import asyncio
import inspect
import random
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

from mainstay.base.clock import Clock, SystemClock
from mainstay.base.errors import ConfigurationError, Unavailable
from mainstay.cache.cached import Caching, seconds
from mainstay.cache.codec import Codec
from mainstay.cache.engines.memory import Memory
from mainstay.cache.errors import StoreAway
from mainstay.cache.filling.fill import Counts, Fill, Filling, Known, computing
from mainstay.cache.filling.voids import Outstanding, Voids
from mainstay.cache.naming.keys import digest
from mainstay.cache.naming.tags import ROOT, Tag, spelled, touched, voided
from mainstay.cache.naming.whose import EVERYONE, Shared, on_behalf_of_all, owner_text
from mainstay.cache.opened import closed, opened
from mainstay.cache.options import CacheOptions
from mainstay.cache.portal import Portal
from mainstay.cache.ports import Entry, NoLog, Store, VoidLog, Want

_UNTYPED = Codec()
RETRY = 1.0


class Cache:
    """Values by key, each bound to the tenant and the caller it was computed for unless it says otherwise.

    Usable at once; `open()` and `close()` belong to the app's lifespan where the store is shared. Values are kept as
    data: every answer is a fresh copy. When the store is away values are computed, and nothing is raised.
    """

    def __init__(
        self,
        options: CacheOptions | None = None,
        store: Store | None = None,
        *,
        void_log: VoidLog | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.options = options or CacheOptions()
        self.clock = clock or SystemClock()
        # Not `or`: an empty store is falsy.
        self.store: Store = Memory(clock=self.clock) if store is None else store
        self.void_log: VoidLog = NoLog() if void_log is None else void_log
        most = self.options.most_tags
        self._known = Known(Voids(most), Outstanding(min(most, 10_000)), self.void_log)
        self._loops: dict[asyncio.AbstractEventLoop, Filling] = {}
        self._home: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._telling = False
        self._tagged = False
        self._portal = Portal()
        self.cached = Caching(lambda: self)

    @property
    def counts(self) -> Counts:
        """Hits, fills and the rest, since the process began."""
        return self._known.counts

    # Values

    async def get(self, key: Any, default: Any = None, *, shared: Shared = None, returns: Any = None) -> Any:
        """The value kept under the key, or the default. `returns` is what it was kept as: an annotation."""
        if not self.options.enabled:
            return default
        entry = await self._here().look(self._want(key, 0, (), shared))
        if entry is None or entry.expires <= self.clock.monotonic():
            return default
        try:
            return _codec(returns).decode(entry.data)
        except ValueError:
            return default

    async def set(
        self,
        key: Any,
        value: Any,
        *,
        ttl: float | timedelta,
        tags: Iterable[Tag] = (),
        shared: Shared = None,
        returns: Any = None,
    ) -> None:
        """Keep the value under the key for so long. Raises NotCacheable; a fill under way will not overwrite it."""
        want = self._want(key, seconds(ttl), tags, shared)
        data = _codec(returns).encode(value)
        if not self.options.enabled:
            return
        here = self._here()
        found = await here.enter(want, afresh=True)
        if isinstance(found, Fill):
            await here.leave(found, data, self._shortened(want.ttl))

    async def delete(self, key: Any, *, shared: Shared = None) -> None:
        """Forget the key, also if it is being computed now. Raises Unavailable where a shared store is away."""
        await self.forget(self._want(key, 0, (), shared).key)

    async def get_or_set(
        self,
        key: Any,
        compute: Callable[[], Any],
        *,
        ttl: float | timedelta,
        tags: Iterable[Tag] = (),
        shared: Shared = None,
        returns: Any = None,
        early: float = 0.0,
    ) -> Any:
        """The value kept under the key, else what `compute()` answers, awaited if need be. Computed once at a time."""
        want, codec = self._want(key, seconds(ttl), tags, shared, early), _codec(returns)

        async def value() -> Any:
            found = compute()
            return await found if inspect.isawaitable(found) else found

        return await self.answer(want, value, codec, shared)

    # Voiding

    async def void(self, *tags: Tag, shared: Shared = None) -> None:
        """Void what has any of these tags: the caller's tenant's entries, or with "everyone" those of everybody.

        Effective here at once, in other processes when it returns where the store is shared, else within a second in
        an app that has a database. Raises Unavailable where a shared store is away and nothing else would tell it.
        """
        if not tags:
            raise ConfigurationError("void() was given no tags.", fix="Name some, or use clear() for everything.")
        tenant = EVERYONE if shared == "everyone" else owner_text(self.options.whose(), shared)[0]
        await self._void(tenant, voided(tags, tenant))

    async def clear(self) -> None:
        """Void everything, of every tenant."""
        await self._void(EVERYONE, [ROOT])

    def changed(self, tenant: str, changes: Iterable[tuple[str, str]]) -> None:
        """Rows were changed here, and it is committed: pairs of a table and a key, "" for many rows. From any thread.

        When this returns, nothing that this process answers was computed before.
        """
        self._void_now(touched(tenant, changes))

    async def _void(self, tenant: str, tags: Sequence[str]) -> None:
        self._void_now(tags)
        here, told = self._here(), self._known.outstanding.waiting()
        try:
            await here.store.void(told or tags)
            self._known.outstanding.settle(told)
        except StoreAway:
            if isinstance(self.void_log, NoLog):
                raise Unavailable(
                    "What was voided is not void everywhere yet.",
                    fix="Redis does not answer; this process does without what was voided until it does.",
                ) from None
        await self.void_log.announce(tenant, tags)

    def _void_now(self, tags: Sequence[str]) -> None:
        self._known.voids.void(tags)
        if not self.store.shared:
            return
        self._known.outstanding.add(tags, ROOT)
        home = self._home
        if home is not None and not self._telling:
            self._telling = True
            try:
                home.call_soon_threadsafe(self._start_telling)
            except RuntimeError:  # that loop is closed; the next use tells
                self._telling = False

    def _start_telling(self) -> None:
        self._here().spawn(self._tell())

    async def _tell(self) -> None:
        try:
            here = self._here()
            while told := self._known.outstanding.waiting():
                try:
                    await here.store.void(told)
                    self._known.outstanding.settle(told)
                except StoreAway:
                    await asyncio.sleep(RETRY)
        finally:
            self._telling = False

    # For decorators, wiring and dependencies

    def want(self, name: tuple[Any, ...], ttl: float, tags: Iterable[Tag], shared: Shared, early: float) -> Want:
        """What is wanted under a name, on behalf of whoever is calling. Raises ConfigurationError for nobody."""
        tenant, actor = owner_text(self.options.whose(), shared)
        full = spelled(tags, tenant)
        if len(full) > 1 and not self._tagged:
            self._tagged = True
            self.void_log.follow()
        return Want(digest(shared, tenant, actor, *name), full, ttl, early)

    def _shortened(self, ttl: float) -> float:
        """The TTL less its jitter: never longer than was asked for."""
        return ttl * (1 - self.options.jitter * random.random())  # noqa: S311  spreads load, hides nothing

    async def answer(
        self, want: Want, compute: Callable[[], Awaitable[Any]], codec: Codec, shared: Shared, none_ttl: float = -1
    ) -> Any:
        """The value, kept or computed. `none_ttl` is how long None is kept, where that is not negative."""
        data = self._peek(want)
        if data is None:
            data = await self._obtain(want, compute, codec, shared, none_ttl)
        try:
            return codec.decode(data)
        except ValueError:
            # Kept by another version of the code.
            await self.forget(want.key)
            data = await self._obtain(want, compute, codec, shared, none_ttl)
            return codec.decode_own(data)

    def answer_here(
        self, want: Want, compute: Callable[[], Any], codec: Codec, shared: Shared, none_ttl: float = -1
    ) -> Any:
        """The same for `def` code, on a thread that runs no event loop."""
        data = self._peek(want)
        if data is None:
            data = self._obtain_here(want, compute, codec, shared, none_ttl)
        try:
            return codec.decode(data)
        except ValueError:
            self._portal.run(self.forget(want.key))
            data = self._obtain_here(want, compute, codec, shared, none_ttl)
            return codec.decode_own(data)

    async def _obtain(
        self, want: Want, compute: Callable[[], Awaitable[Any]], codec: Codec, shared: Shared, none_ttl: float
    ) -> bytes:
        here = self._here() if self.options.enabled else None
        found = None if here is None else await here.enter(want)
        if isinstance(found, bytes):
            return found
        try:
            with computing(want.key), on_behalf_of_all(shared):
                value = await compute()
            data = codec.encode(value)
        except BaseException as error:
            if here is not None and found is not None:
                here.fail(found, error)
            raise
        if here is not None and found is not None:
            await here.leave(found, data, self._life(want, value, none_ttl))
        return data

    def _obtain_here(
        self, want: Want, compute: Callable[[], Any], codec: Codec, shared: Shared, none_ttl: float
    ) -> bytes:
        found = self._portal.run(self._enter_there(want)) if self.options.enabled else None
        if isinstance(found, bytes):
            return found
        try:
            with computing(want.key), on_behalf_of_all(shared):
                value = compute()
            data = codec.encode(value)
        except BaseException as error:
            if found is not None:
                self._portal.run(self._fail_there(found, error))
            raise
        if found is not None:
            self._portal.run(self._leave_there(found, data, self._life(want, value, none_ttl)))
        return data

    def _peek(self, want: Want) -> bytes | None:
        """The value's bytes where they are in this process's memory. From any thread."""
        entry: Entry | None = self.store.peek(want.key) if self.options.enabled else None
        if entry is None or want.early > 0 or self._known.abstains(want) or not self._known.believes(entry):
            return None
        self._known.counts.hits += 1
        return entry.data

    async def forget(self, key: str) -> None:
        """Forget a digest. Raises Unavailable where a shared store is away."""
        with self._lock:
            fillings = list(self._loops.values())
        for each in fillings:
            each.flights.void(key)
        try:
            await self._here().store.delete(key)
        except StoreAway:
            raise Unavailable("What was to be forgotten may still be in Redis, which does not answer.") from None

    def _life(self, want: Want, value: Any, none_ttl: float) -> float:
        """For how long this value is kept."""
        return self._shortened(none_ttl if value is None and none_ttl >= 0 else want.ttl)

    # Opening and closing

    def use(self, store: Store) -> None:
        """Keep values there from now on: for whoever learns only when opening where that is."""
        with self._lock:
            self.store = store
            self._loops.clear()

    async def open(self) -> None:
        """Belong to the running loop. A store that is away is no error."""
        self._home = asyncio.get_running_loop()
        self._here()
        opened(self)

    async def close(self) -> None:
        """Tell the shared store what it has to know, if it answers, and let go of everything on this loop."""
        closed(self)
        loop = asyncio.get_running_loop()
        with self._lock:
            here = self._loops.pop(loop, None)
        self._home = None if self._home is loop else self._home
        await asyncio.to_thread(self._portal.close, self._close_there())
        if here is not None:
            try:
                if told := self._known.outstanding.waiting():
                    await here.store.void(told)
                    self._known.outstanding.settle(told)
            except StoreAway:
                self._known.counts.away += 1
            await here.end()

    def _here(self) -> Filling:
        loop = asyncio.get_running_loop()
        here = self._loops.get(loop)
        if here is None:
            with self._lock:
                for each in [each for each in self._loops if each.is_closed()]:
                    del self._loops[each]
                here = self._loops[loop] = Filling(self.store.twin(), self._known, self.options, self.clock)
                self._home = self._home or loop
            if self.store.shared and self._known.outstanding.waiting():
                here.spawn(self._tell())
        return here

    def _want(self, key: Any, ttl: float, tags: Iterable[Tag], shared: Shared, early: float = 0.0) -> Want:
        return self.want(("value", key), ttl, tags, shared, early)

    async def _enter_there(self, want: Want) -> bytes | Fill:
        return await self._here().enter(want)

    async def _leave_there(self, fill: Fill, data: bytes, ttl: float) -> None:
        await self._here().leave(fill, data, ttl)

    async def _fail_there(self, fill: Fill, error: BaseException) -> None:
        self._here().fail(fill, error)

    async def _close_there(self) -> None:
        with self._lock:
            here = self._loops.pop(asyncio.get_running_loop(), None)
        if here is not None:
            await here.end()


def _codec(returns: Any) -> Codec:
    return _UNTYPED if returns is None else Codec(returns)

"""Getting a value on one event loop: from the store, from whoever computes it now, or by leave to compute it."""

import asyncio
import logging
import math
import random
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from mainstay.base.clock import Clock
from mainstay.base.errors import ConfigurationError
from mainstay.cache.errors import StoreAway
from mainstay.cache.filling.flights import Flight, Flights, Landed
from mainstay.cache.filling.voids import Outstanding, Voids
from mainstay.cache.options import CacheOptions
from mainstay.cache.ports import Entry, Lease, Store, VoidLog, Want

log = logging.getLogger("mainstay.cache")
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.1
_computing: ContextVar[tuple[str, ...]] = ContextVar("mainstay_cache_computing", default=())


@contextmanager
def computing(key: str) -> Iterator[None]:
    """Do the enclosed work as the computation of this key, so that a call for itself is noticed."""
    token = _computing.set((*_computing.get(), key))
    try:
        yield
    finally:
        _computing.reset(token)


@dataclass(slots=True)
class Counts:
    """What came of it, since the process began. `refused`: values that were void before they were kept."""

    hits: int = 0
    fills: int = 0
    joined: int = 0
    refused: int = 0
    away: int = 0


@dataclass(slots=True)
class Known:
    """What the whole process knows of what is void."""

    voids: Voids
    outstanding: Outstanding
    void_log: VoidLog
    counts: Counts = field(default_factory=Counts)

    def believes(self, entry: Entry) -> bool:
        """Whether nothing has voided the entry, as far as is known here."""
        if self.outstanding.blocks(entry.tags) or (len(entry.tags) > 1 and self.void_log.blind()):
            return False
        if entry.stamp is not None and not self.voids.fresh(entry.tags, entry.stamp):
            return False
        return self.void_log.fresh(entry.tags, entry.position)

    def joins(self, want: Want, flight: Flight) -> bool:
        """Whether nothing was voided since the flight began, so that its value is as good as one computed now."""
        return self.voids.fresh(want.tags, flight.stamp) and self.void_log.fresh(want.tags, flight.position)

    def abstains(self, want: Want) -> bool:
        """Whether nothing under these tags may be kept or believed now."""
        return self.outstanding.blocks(want.tags) or (want.tagged and self.void_log.blind())


@dataclass(slots=True)
class Fill:
    """Leave to compute one value. It was taken before the computation began, and says what was known then."""

    want: Want
    flight: Flight
    position: int
    began: float
    lease: Lease | None = None
    renewing: asyncio.TimerHandle | None = None


class Filling:
    """Everything that waits, on one event loop."""

    def __init__(self, store: Store, known: Known, options: CacheOptions, clock: Clock) -> None:
        self.store, self._known, self._options, self._clock = store, known, options, clock
        self.flights = Flights()
        self._background: set[asyncio.Task[None]] = set()

    async def look(self, want: Want) -> Entry | None:
        """The entry, if there is one to be believed."""
        known = self._known
        if known.abstains(want):
            return None
        try:
            entry = await self.store.read(want.key, want.tags)
        except StoreAway:
            known.counts.away += 1
            return None
        return entry if entry is not None and known.believes(entry) else None

    async def enter(self, want: Want, *, afresh: bool = False) -> bytes | Fill:
        """The value's bytes, or leave to compute it: then `leave` or `fail` must follow.

        Raises the error of the flight that was joined. `afresh` ignores what is kept and what is under way.
        """
        known = self._known
        if want.tagged and known.void_log.blind():
            await known.void_log.ready()
        while True:
            entry = None if afresh else await self.look(want)
            if entry is not None and not self._is_due(entry, want):
                known.counts.hits += 1
                return entry.data
            flight = self.flights.find(want.key)
            if flight is None or afresh or not known.joins(want, flight):
                return await self._lead(want, entry, afresh)
            if entry is not None:
                known.counts.hits += 1
                return entry.data
            if want.key in _computing.get():
                raise ConfigurationError(
                    "A cached function waits for its own value.", fix="Give the call inside it other arguments."
                )
            landed = await flight.wait()
            if landed.error is not None:
                raise landed.error
            if landed.data is not None:
                known.counts.joined += 1
                return landed.data

    async def leave(self, fill: Fill, data: bytes, ttl: float) -> None:
        """The value was computed: keep it for so many seconds if it still may be kept, and hand it to who waits."""
        known, want = self._known, fill.want
        self._stop_renewing(fill)
        known.counts.fills += 1
        lease, fill.lease = fill.lease, None
        try:
            if lease is None:
                return
            now = self._clock.monotonic()
            stamp = fill.flight.stamp
            entry = Entry(data, want.tags, now + ttl, now - fill.began, stamp, fill.position)
            if ttl <= 0 or fill.flight.voided or known.abstains(want) or not known.believes(entry):
                known.counts.refused += ttl > 0
                await self.store.release(lease)
            elif not await self.store.keep(lease, entry):
                known.counts.refused += 1
        except StoreAway:
            known.counts.away += 1
        except asyncio.CancelledError:
            if lease is not None:
                self._release_later(lease)
            raise
        finally:
            self.flights.land(fill.flight, Landed(data=data))

    def fail(self, fill: Fill, error: BaseException) -> None:
        """The computation raised. Those who wait get its error; if it was cancelled, one of them leads."""
        self._stop_renewing(fill)
        lease, fill.lease = fill.lease, None
        self.flights.land(fill.flight, Landed(error=error if isinstance(error, Exception) else None))
        if lease is not None:
            self._release_later(lease)

    async def end(self) -> None:
        """Finish what is left to be done in the background, as far as that goes quickly, and close the store."""
        left = set(self._background)
        if left:
            _, late = await asyncio.wait(left, timeout=LONGEST_PAUSE)
            for each in late:
                each.cancel()
            await asyncio.wait(left)
        await self.store.close()

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Do it in the background; `end` waits for it a little."""
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _lead(self, want: Want, entry: Entry | None, afresh: bool) -> bytes | Fill:
        known = self._known
        flight = self.flights.start(want.key, known.voids.stamp(), known.void_log.position())
        fill = Fill(want, flight, flight.position, self._clock.monotonic())
        if known.abstains(want):
            return fill
        try:
            found = await self._ask(fill, entry, afresh)
        except StoreAway:
            known.counts.away += 1
            found = None
        except BaseException:
            self.flights.land(flight, Landed())
            raise
        if found is None:
            self._renew_in_time(fill)
            return fill
        known.counts.hits += 1
        self.flights.land(flight, Landed(data=found))
        return found

    async def _ask(self, fill: Fill, entry: Entry | None, afresh: bool) -> bytes | None:
        """Get the lease, and then None; or what another process has filled meanwhile."""
        options, want = self._options, fill.want
        pause, waited = FIRST_PAUSE, 0.0
        while True:
            # Taken anew each time: what was voided while we waited is not held against the fill.
            fill.position, fill.began = self._known.void_log.position(), self._clock.monotonic()
            fill.lease, found = await self.store.begin(
                want.key, want.tags, lease=options.lease, ttl=want.ttl, force=afresh
            )
            if found is not None and entry is None and not afresh and self._known.believes(found):
                await self._end(fill)
                return found.data
            if fill.lease is not None:
                return None
            if entry is not None:
                return entry.data
            if waited >= options.patience:
                return None
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311  spreads load, hides nothing
            waited += pause
            pause = min(pause * 1.5, LONGEST_PAUSE)

    async def _end(self, fill: Fill) -> None:
        lease, fill.lease = fill.lease, None
        if lease is not None:
            await self.store.release(lease)

    def _is_due(self, entry: Entry, want: Want) -> bool:
        if want.early <= 0:
            return False
        ahead = entry.cost * want.early * -math.log(1.0 - random.random())  # noqa: S311  as above
        return self._clock.monotonic() + ahead >= entry.expires

    def _renew_in_time(self, fill: Fill) -> None:
        if fill.lease is not None and self.store.shared:
            loop = asyncio.get_running_loop()
            fill.renewing = loop.call_later(self._options.lease / 3, self._renew, fill)

    def _renew(self, fill: Fill) -> None:
        if fill.lease is not None:
            self.spawn(self._quietly(self.store.renew(fill.lease, self._options.lease)))
            self._renew_in_time(fill)

    def _stop_renewing(self, fill: Fill) -> None:
        if fill.renewing is not None:
            fill.renewing.cancel()
            fill.renewing = None

    def _release_later(self, lease: Lease) -> None:
        if self.store.shared:
            self.spawn(self._quietly(self.store.release(lease)))

    async def _quietly(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except StoreAway:
            self._known.counts.away += 1

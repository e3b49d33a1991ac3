"""A process's leases: questions gathered into one round trip, rests returned, and an absent store skipped."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from mainstay.limits.budget import Alone, Budget, LeasedBudget
from mainstay.limits.ports import Ask, Grant, Store, StoreAway

LOGGER = logging.getLogger("mainstay.limits")
# Seconds in which a lease is spent, or its rest returned.
TERM = 0.5
# Seconds for which a refusal is believed at least.
PAUSE = 0.01
# Seconds between attempts to reach a store that is away.
PROBE = 0.5


class _Round:
    """Those who wait for one budget's next answer: the least that any of them needs, and what they need together."""

    __slots__ = ("answered", "least", "need")

    def __init__(self) -> None:
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.least = 0
        self.need = 0


class Leases:
    """Asks the store on behalf of budgets, each at most once at a time.

    A store that fails once is away for all budgets until it answers a ping: no request waits for it meanwhile.
    `closed`: nothing is admitted then.
    """

    def __init__(self, store: Store, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._monotonic = monotonic
        self.closed = False
        self.alone = Alone()
        self.outages = 0
        self._queue: dict[LeasedBudget, _Round] = {}
        self._flushing = False
        self._held: set[LeasedBudget] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._probing = False

    async def open(self) -> None:
        """Try the store, so that the first requests need not find out that it is away."""
        try:
            await self._store.ping()
        except StoreAway as error:
            self._lose(error)

    async def close(self) -> None:
        """Return what is held, and let go of the store."""
        for task in [*self._tasks, *([self._keeper] if self._keeper else [])]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if not self.alone.away:
            await self._give_back(list(self._held))
        await self._store.close()

    async def ask(self, budgets: Sequence[Budget], cost: int) -> None:
        """Come back when each of these knows more than now: a lease, a refusal, or that the store is away."""
        # Whoever goes away must not take the answer from the others.
        answers = [asyncio.shield(self._join(each, cost)) for each in budgets if isinstance(each, LeasedBudget)]
        await (answers[0] if len(answers) == 1 else asyncio.gather(*answers))

    def _join(self, budget: LeasedBudget, cost: int) -> asyncio.Future[None]:
        joined = self._queue.get(budget)
        if joined is None:
            joined = self._queue[budget] = _Round()
            budget.waiting = True
            self._flush_soon()
        joined.least = min(joined.least or cost, cost)
        joined.need += cost
        return joined.answered

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            # At the end of this turn of the loop: whoever asks in the same turn shares the round trip.
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        asking = {budget: joined for budget, joined in self._queue.items() if not budget.asking}
        for budget in asking:
            del self._queue[budget]
            budget.waiting, budget.asking = False, True
        if asking:
            self._start(self._lease(asking))

    async def _lease(self, asking: dict[LeasedBudget, _Round]) -> None:
        now = self._monotonic()
        asks = []
        for budget, joined in asking.items():
            back, want = budget.hand_back(now), max(joined.need, min(budget.size, budget.policy.share))
            asks.append(Ask(budget.key, budget.interval, budget.tolerance, back, joined.least, joined.need, want))
        try:
            grants = await self._store.lease(asks)
        except StoreAway as error:
            self._lose(error)
        else:
            self._hold(asks, list(asking), grants, now)
        finally:
            for budget, joined in asking.items():
                budget.asking = False
                if not joined.answered.done():
                    joined.answered.set_result(None)
            if self._queue:
                self._flush_soon()

    def _hold(self, asks: Sequence[Ask], budgets: Sequence[LeasedBudget], grants: Sequence[Grant], sent: float) -> None:
        now = self._monotonic()
        for ask, budget, grant in zip(asks, budgets, grants, strict=True):
            if grant.granted:
                # The term counts from before the question: the store's began later.
                budget.hold(grant.granted, now + grant.used, sent + TERM)
                self._held.add(budget)
            else:
                # Units gather while nobody asks, though never beyond the budget; and a rest may come back any time.
                least = min(PAUSE, budget.tolerance / 4)
                budget.refuse(ask.least, now + grant.used, now + min(max(grant.wait, least), TERM))
        if self._held and (self._keeper is None or self._keeper.done()):
            self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def _keep(self) -> None:
        """Return the rests of leases whose term is over, for as long as any are held."""
        while self._held:
            await asyncio.sleep(TERM / 4)
            now = self._monotonic()
            over = [each for each in self._held if not each.asking and (not each.tokens or now >= each.deadline)]
            self._held.difference_update(over)
            rests = [each for each in over if each.tokens]
            if rests and not self.alone.away:
                await self._give_back(rests)

    async def _give_back(self, budgets: list[LeasedBudget]) -> None:
        now = self._monotonic()
        asks = []
        for budget in budgets:
            budget.asking = True
            rest = budget.hand_back(now)
            asks.append(Ask(budget.key, budget.interval, budget.tolerance, rest, 1, 0, 0))
        try:
            grants = await self._store.lease(asks)
        except StoreAway as error:
            self._lose(error)
        else:
            now = self._monotonic()
            for budget, grant in zip(budgets, grants, strict=True):
                budget.tat = now + grant.used
        finally:
            for budget in budgets:
                budget.asking = False
            if self._queue:
                self._flush_soon()

    def _lose(self, error: StoreAway) -> None:
        if self.alone.away:
            return
        self.alone.away = True
        self.outages += 1
        meanwhile = "requests are refused with 503" if self.closed else "each process keeps a budget of its own"
        LOGGER.warning("Redis is away (%s): until it answers, %s.", error, meanwhile)
        if not self._probing:
            self._start(self._probe())

    async def _probe(self) -> None:
        self._probing = True
        try:
            while self.alone.away:
                await asyncio.sleep(PROBE)
                with contextlib.suppress(StoreAway):
                    await self._store.ping()
                    self.alone.away = False
        finally:
            self._probing = False
        LOGGER.warning("Redis answers again: budgets are shared.")

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

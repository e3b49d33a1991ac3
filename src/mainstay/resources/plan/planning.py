"""Plans made while the event loop goes on: one at a time, each once, and no caller has more than their share made."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from mainstay.base.errors import TooManyRequests
from mainstay.resources.plan.cache import Key, PlanCache

P = TypeVar("P")
_KEPT = 4_096


class Share:
    """How much planning each caller may ask for: `burst` seconds of processor time at once, `rate` of a core for long.

    Plans are kept by shape, so that honest callers soon ask for none. One who invents shapes would otherwise keep a
    core busy, and push everybody's plans out of the cache.
    """

    def __init__(self, burst: float = 3.0, rate: float = 0.1, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._rate, self._clock = burst, rate, clock
        # By caller: the moment at which what they spent will be paid off.
        self._until: OrderedDict[str, float] = OrderedDict()

    def check(self, whose: str) -> None:
        """Raises TooManyRequests, with when to try again, for a caller who has used up their share."""
        debt = (self._until.get(whose, 0.0) - self._clock()) * self._rate
        if debt > self._burst:
            wait = max(1, round((debt - self._burst) / self._rate))
            raise TooManyRequests(
                "You have sent too many kinds of query in a short time; repeat those you have sent, or wait.",
                retry_after=wait,
            )

    def spend(self, whose: str, seconds: float) -> None:
        now = self._clock()
        self._until[whose] = max(self._until.pop(whose, now), now) + seconds / self._rate
        if len(self._until) > _KEPT:
            self._until.popitem(last=False)


class Planning:
    """Makes the plans that are not kept yet."""

    def __init__(self, share: Share | None = None) -> None:
        self._share = share or Share()
        self._under_way: dict[tuple[int, Key], asyncio.Task[Any]] = {}
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    async def made(self, plans: PlanCache[P], key: Key, whose: str, make: Callable[[], P]) -> P:
        """The plan under this key; made on a thread if there is none, once for all who wait for it.

        Raises TooManyRequests for a caller who has had too much made for them.
        """
        plan = plans.find(key)
        if plan is not None:
            return plan
        self._share.check(whose)
        name = (id(plans), key)
        task = self._under_way.get(name)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._make(plans, key, whose, make))
            self._under_way[name] = task
            task.add_done_callback(lambda _: self._under_way.pop(name, None))
        # Whoever asked first may go away; the others still wait for it.
        found: P = await asyncio.shield(task)
        return found

    def made_now(self, plans: PlanCache[P], key: Key, whose: str, make: Callable[[], P]) -> P:
        """The same where nobody can wait, as within a transaction: made here and now, and counted all the same."""
        plan = plans.find(key)
        if plan is not None:
            return plan
        self._share.check(whose)
        made, seconds = _timed(make)
        self._share.spend(whose, seconds)
        return plans.keep(key, made)

    async def _make(self, plans: PlanCache[P], key: Key, whose: str, make: Callable[[], P]) -> P:
        loop = asyncio.get_running_loop()
        turns = self._turns.get(loop)
        if turns is None:
            turns = self._turns[loop] = asyncio.Lock()
        async with turns:
            plan, seconds = await asyncio.to_thread(_timed, make)
        self._share.spend(whose, seconds)
        return plans.keep(key, plan)


def _timed(make: Callable[[], P]) -> tuple[P, float]:
    # Of processor time: on a busy machine the clock on the wall says nothing about the work.
    started = time.thread_time()
    plan = make()
    return plan, time.thread_time() - started

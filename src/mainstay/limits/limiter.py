"""The limiter: which budgets a request spends from, whether they hold, and what the answer says of it."""

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NoReturn

from starlette._utils import get_route_path

from mainstay.base.clock import Clock, SystemClock
from mainstay.base.context import Caller
from mainstay.base.errors import TooManyRequests, Unavailable
from mainstay.base.ports import HttpScope
from mainstay.limits.allowance import Allowance, LimitState, tell
from mainstay.limits.budget import ASK, SLACK, Budget, LeasedBudget
from mainstay.limits.leases import Leases
from mainstay.limits.options import LimitsOptions
from mainstay.limits.plan import Plan
from mainstay.limits.policy import Policy
from mainstay.limits.ports import Store
from mainstay.limits.routing import RoutePolicy
from mainstay.limits.tiers import Tiers

LOGGER = logging.getLogger("mainstay.limits")
NONE: tuple[Budget, ...] = ()
# The rounds that one request asks the store for, with others taking what it was granted, before it is told to wait.
ROUNDS = 100


class Limiter:
    """base.ports.Gate: counts requests against budgets, in this process or, with a store, over all that share it.

    Without options it lets everything through until `replace` gives it some. It needs `open` and `close` only where
    it has a store. Not for several event loops at once.
    """

    def __init__(
        self, options: LimitsOptions | None = None, clock: Clock | None = None, store: Store | None = None
    ) -> None:
        self._clock = clock or SystemClock()
        self._monotonic = self._clock.monotonic
        self._wall, self._wall_until = 0.0, -math.inf
        self._budgets: dict[tuple[str, str, str], Budget] = {}
        self._sweep_at = 1024
        self._store = store
        self._leases: Leases | None = None
        self.admitted = self.refused = self.unshared = 0
        self._plan: Plan | None = None
        self._tiers = Tiers(self._budget)
        self.replace(options)

    # Its life

    def replace(self, options: LimitsOptions | None) -> None:
        """Go by these options from the next request on; None lets everything through.

        What has been spent under a rate that stays is kept. Raises ConfigurationError, and then nothing has changed.
        """
        plan = None if options is None else Plan(options)
        if plan is not None and self._store is not None and self._leases is None:
            self._leases = Leases(self._store, self._monotonic)
        if plan is not None and self._leases is not None:
            self._leases.closed = plan.options.without_redis == "closed"
        self._tiers.forget()
        self._plan = plan

    def ask_again(self) -> None:
        """Forget which tier everybody is in, so that a change counts with the next request."""
        self._tiers.forget()

    @property
    def options(self) -> LimitsOptions | None:
        return None if self._plan is None else self._plan.options

    async def open(self) -> None:
        """Reach for the store, where there is one; it may be away."""
        if self._leases is not None:
            await self._leases.open()

    async def close(self) -> None:
        """Return what is leased, and let go of the store."""
        if self._leases is not None:
            await self._leases.close()
        elif self._store is not None:
            await self._store.close()

    def figures(self) -> Mapping[str, int]:
        """Since the start: requests `admitted`, `refused`, and admitted `unshared`, which is while the store was away;
        its `outages`. At this moment: whether it is `away` (1), and `budgets` in memory.
        """
        leases = self._leases
        return {
            "admitted": self.admitted,
            "refused": self.refused,
            "unshared": self.unshared,
            "outages": 0 if leases is None else leases.outages,
            "away": int(leases is not None and leases.alone.away),
            "budgets": len(self._budgets),
        }

    # base.ports.Gate

    def admit_now(self, scope: HttpScope, caller: Caller | None) -> bool:
        """True: counted, and the answer's headers are set. False: `admit` has to ask. Raises TooManyRequests."""
        scope["mainstay.limiter"] = self
        plan = self._plan
        if plan is None:
            return True
        path = scope["path"]
        if scope.get("root_path"):
            path = get_route_path(scope)
        if path in plan.exempt or path.startswith(plan.exempt_below):
            return True
        now = self._monotonic()
        allowance = self._tiers.recall(plan, scope, caller, now)
        if allowance is None:
            return False
        scope["mainstay.limits"] = allowance
        route = None
        if plan.has_routes:
            scope["mainstay.parts"] = self.count_parts
            route = plan.routing.find(scope, path)
        if route is not None or plan.addresses is not None:
            return self._spend_now(scope, allowance, self._applying(plan, scope, allowance, route), now, 1)
        if allowance.only is None:
            return self._spend_now(scope, allowance, allowance.budgets, now, 1)
        # What most requests come to, `_spend_now` and `tell` for a single budget: their calls would double its cost.
        budget = allowance.only
        tat, interval = budget.tat, budget.interval
        end = (tat if tat > now else now) + interval
        spare = now + budget.tolerance - end
        if spare < -SLACK:
            self._refuse(scope, allowance, allowance.budgets, now, 1)
        budget.tat = end
        self.admitted += 1
        if now > self._wall_until:
            self._look_at_the_wall(now)
        left = spare / interval
        whole = int(left)
        policy = budget.policy
        told = [
            policy.advert,
            (b"ratelimit", policy.ratelimit % (whole, -((left - whole - 1) * interval // 1))),
            policy.limit,
            (b"x-ratelimit-remaining", b"%d" % whole),
            (b"x-ratelimit-reset", b"%d" % int(end + self._wall)),
            allowance.tier_header,
        ]
        headers = scope.get("mainstay.headers")
        if headers is None:
            scope["mainstay.headers"] = told
        elif "mainstay.budgets" in scope:
            self._tell(scope, allowance, allowance.budgets, now)
        else:
            headers.extend(told)
        return True

    async def admit(self, scope: HttpScope, caller: Caller | None) -> None:
        """Count the request, asking whom it takes. Raises TooManyRequests, or Unavailable while the store is away."""
        plan = self._plan
        if plan is None:
            return
        allowance = await self._tiers.find(plan, scope, caller, self._monotonic())
        scope["mainstay.limits"] = allowance
        scope["mainstay.parts"] = self.count_parts
        route = plan.routing.find(scope, get_route_path(scope))
        await self.spend(scope, allowance, self._applying(plan, scope, allowance, route))

    # For other surfaces

    async def spend(
        self, scope: HttpScope | None, allowance: Allowance, budgets: tuple[Budget, ...], cost: int = 1
    ) -> None:
        """Spend `cost` units from each of these budgets, or from none. Raises TooManyRequests or Unavailable."""
        for _ in range(ROUNDS):
            now = self._monotonic()
            if self._spend_now(scope, allowance, budgets, now, cost):
                return
            if self._leases is not None:
                await self._leases.ask([each for each in budgets if each.look(now, cost) == ASK], cost)
        raise Unavailable("Too many requests ask at once.", retry_after=1)

    async def charge(self, scope: HttpScope, caller: Caller | None, cost: int = 1) -> None:
        """Spend from the caller's own budget for what is no request of its own: a message, a job, a query's cost.

        `scope` is the connection's. Raises TooManyRequests or Unavailable.
        """
        plan = self._plan
        if plan is not None:
            allowance = await self._tiers.find(plan, scope, caller, self._monotonic())
            await self.spend(None, allowance, allowance.budgets, cost)

    async def hold_to(self, scope: HttpScope, caller: Caller | None, policy: Policy, by: str) -> None:
        """Spend from a budget of `policy`, for each `by` of its own, beside what the gate has spent.

        Raises TooManyRequests or Unavailable.
        """
        plan = self._plan
        if plan is None:
            return
        allowance = scope.get("mainstay.limits")
        if allowance is None:
            allowance = await self._tiers.find(plan, scope, caller, self._monotonic())
        else:
            # The answer tells of what the gate has spent as well.
            scope.setdefault("mainstay.budgets", allowance.budgets)
        if not allowance.unlimited:
            budget = self._budget(policy, *self._counted_by(plan, scope, allowance, by))
            await self.spend(scope, allowance, (budget,))

    async def count_parts(self, scope: HttpScope, caller: Caller | None, parts: Sequence[tuple[str, str]]) -> None:
        """Hold what one request does for several, each a method and a route's template, to those routes' limits.

        `scope["mainstay.parts"]`, for whoever reads such a request: a limit on a route is not got round by a batch.
        Raises TooManyRequests or Unavailable.
        """
        plan, allowance = self._plan, scope.get("mainstay.limits")
        if plan is None or allowance is None or allowance.unlimited:
            return
        for part, cost in Counter(parts).items():
            route = plan.routing.find({"method": part[0], "mainstay.route": part[1]}, part[1])
            if route is not None:
                budget = self._budget(route, *self._counted_by(plan, scope, allowance, route.by))
                await self.spend(scope, allowance, (budget,), cost)

    async def state(self, scope: HttpScope, caller: Caller | None) -> LimitState:
        """Where the sender of this request stands; nothing is spent."""
        plan = self._plan
        if plan is None:
            return LimitState("", None, None, None)
        now = self._monotonic()
        allowance = scope.get("mainstay.limits") or await self._tiers.find(plan, scope, caller, now)
        budgets = scope.get("mainstay.budgets", allowance.budgets)
        if not budgets:
            return LimitState(allowance.tier, None, None, None)
        tightest = min(budgets, key=lambda budget: budget.left(now))
        resets = self._clock.now() + timedelta(seconds=max(0.0, tightest.tat - now))
        names = tuple(budget.policy.name for budget in budgets)
        return LimitState(allowance.tier, tightest.policy.rate.limit, int(tightest.left(now)), resets, names)

    # Inside

    def _applying(
        self, plan: Plan, scope: HttpScope, allowance: Allowance, route: RoutePolicy | None
    ) -> tuple[Budget, ...]:
        """The budgets of this request: the caller's, its address's, its route's."""
        budgets = allowance.budgets
        if allowance.unlimited:
            return budgets
        if plan.addresses is not None:
            budgets += (self._budget(plan.addresses, "", "address:" + plan.address_of(scope)),)
        if route is not None:
            if route.loose:
                budgets = tuple(each for each in budgets if each not in allowance.budgets) + allowance.tenant_budget
            budgets += (self._budget(route, *self._counted_by(plan, scope, allowance, route.by)),)
        return budgets

    def _counted_by(self, plan: Plan, scope: HttpScope, allowance: Allowance, by: str) -> tuple[str, str]:
        match by:
            case "tenant":
                return allowance.tenant, "tenant"
            case "address":
                return "", "address:" + plan.address_of(scope)
            case "everyone":
                return "", "everyone"
            case _:
                return allowance.tenant, allowance.name

    def _spend_now(
        self, scope: HttpScope | None, allowance: Allowance, budgets: tuple[Budget, ...], now: float, cost: int
    ) -> bool:
        """Spend, if nobody has to be asked. Raises TooManyRequests, or Unavailable while the store is away."""
        leases = self._leases
        away = leases is not None and leases.alone.away
        if away and leases is not None and leases.closed and budgets:
            raise Unavailable("Limits cannot be kept at the moment.", code="limits_unavailable")
        for budget in budgets:
            wait = budget.look(now, cost)
            if wait:
                if wait > 0:
                    self._refuse(scope, allowance, budgets, now, cost)
                return False
        if away:
            self.unshared += 1
        for budget in budgets:
            budget.take(now, cost)
        self.admitted += 1
        if scope is not None:
            self._tell(scope, allowance, budgets, now)
        return True

    def _refuse(
        self, scope: HttpScope | None, allowance: Allowance, budgets: tuple[Budget, ...], now: float, cost: int
    ) -> NoReturn:
        self.refused += 1
        detail = "" if cost == 1 else f"This counts as {cost} requests, which is more than is left."
        waits = {budget.policy.name: budget.look(now, cost) for budget in budgets}
        violated = [name for name, wait in waits.items() if wait > 0]
        if scope is not None:
            self._tell(scope, allowance, budgets, now)
        raise TooManyRequests(detail, retry_after=max(1, math.ceil(max(waits.values()))), policies=violated)

    def _tell(self, scope: HttpScope, allowance: Allowance, budgets: tuple[Budget, ...], now: float) -> None:
        if now > self._wall_until:
            self._look_at_the_wall(now)
        headers = scope.get("mainstay.headers")
        if headers is None:
            headers = scope["mainstay.headers"] = []
        before = scope.get("mainstay.budgets")
        if before is not None:
            # A route's own limit comes on top of what the gate has said.
            headers[:] = [each for each in headers if not each[0].startswith((b"ratelimit", b"x-ratelimit"))]
            budgets = (*before, *(each for each in budgets if each not in before))
        scope["mainstay.budgets"] = budgets
        tell(headers, allowance, budgets, now, self._wall)

    def _look_at_the_wall(self, now: float) -> None:
        # It may be set at any time; a second's error in a header is no harm. X-RateLimit-Reset is rounded up.
        self._wall, self._wall_until = self._clock.now().timestamp() - now + 0.999, now + 1.0

    def _budget(self, policy: Policy, tenant: str, name: str) -> Budget:
        """The one budget of this subject under this policy."""
        key = policy.signature, tenant, name
        found = self._budgets.get(key)
        if found is None:
            if len(self._budgets) >= self._sweep_at:
                self._sweep()
            if self._leases is None:
                found = Budget(policy, "")
            else:
                found = LeasedBudget(policy, f"{tenant}:{policy.signature}:{name}", self._leases.alone)
            self._budgets[key] = found
        return found

    def _sweep(self) -> None:
        """Forget the budgets that are whole again, and, where too many are left, the oldest."""
        most = 100_000 if self._plan is None else self._plan.options.most_budgets
        now = self._monotonic()
        # Nobody may go on spending from a budget that is forgotten.
        self._tiers.forget()
        self._budgets = {key: each for key, each in self._budgets.items() if not each.is_whole(now)}
        for key in list(self._budgets)[: max(0, len(self._budgets) - most + most // 10)]:
            del self._budgets[key]
        self._sweep_at = max(1024, min(most, 2 * len(self._budgets)))

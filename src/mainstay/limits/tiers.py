"""Who is calling, as limits see it: a user, an API key or an address, in a tier."""

import inspect
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

from mainstay.base.context import Caller
from mainstay.base.ports import HttpScope
from mainstay.limits.allowance import Allowance
from mainstay.limits.budget import Budget
from mainstay.limits.plan import Plan
from mainstay.limits.policy import Policy

LOGGER = logging.getLogger("mainstay.limits")
LONGEST_NAME = 256
NO_ROLES: frozenset[str] = frozenset()
Key = tuple[str, ...]


class Tiers:
    """Finds and remembers the allowance of whoever sent a request."""

    def __init__(self, budget: Callable[[Policy, str, str], Budget]) -> None:
        self._budget = budget
        self._known: dict[Key, Allowance] = {}
        self._complained: set[str] = set()

    def forget(self) -> None:
        """Conclude anew for everybody."""
        self._known.clear()

    def recall(self, plan: Plan, scope: HttpScope, caller: Caller | None, now: float) -> Allowance | None:
        """The caller's allowance, or None where telling takes I/O."""
        if caller is not None and plan.by_caller:
            actor, tenant = caller.actor, caller.scope
            if actor.user_id is not None and actor.api_key_id is None:
                found = self._known.get(("" if tenant is None else tenant.key, actor.key))
                if found is not None and now < found.until:
                    roles = found.roles
                    # The same object more often than not, and comparing sets takes longer.
                    if roles is actor.roles or roles == actor.roles:
                        return found
        return self._conclude(plan, scope, caller, now)

    def _conclude(self, plan: Plan, scope: HttpScope, caller: Caller | None, now: float) -> Allowance | None:
        if plan.options.subject_of is not None:
            subject = plan.options.subject_of(scope, caller)
            if subject is not None:
                return self._of_subject(plan, subject.tenant, subject.name, subject.tier)
        if caller is None or caller.actor.user_id is None:
            return self._anonymous(plan, scope, caller)
        found = self._known.get(_key(caller))
        if found is not None and now < found.until and found.roles == caller.actor.roles:
            return found
        if plan.waits:
            return None
        answers = [function(of) for function, of in _questions(plan, caller)]
        if any(inspect.isawaitable(each) for each in answers):
            # A plain function that answers with a coroutine: from now on it is awaited.
            plan.waits = True
            for each in answers:
                each.close() if inspect.iscoroutine(each) else None
            return None
        return self._remember(plan, caller, answers, now)

    async def find(self, plan: Plan, scope: HttpScope, caller: Caller | None, now: float) -> Allowance:
        """The same, asking whom it takes."""
        found = self.recall(plan, scope, caller, now)
        if found is not None or caller is None:
            return found or self._anonymous(plan, scope, caller)
        answers = []
        for function, of in _questions(plan, caller):
            answer = function(of)
            answers.append(await answer if inspect.isawaitable(answer) else answer)
        return self._remember(plan, caller, answers, now)

    def _remember(self, plan: Plan, caller: Caller, answers: Sequence[str | None], now: float) -> Allowance:
        actor = caller.actor
        tenant = "" if caller.scope is None else caller.scope.key
        given, members, tenants = (self._named(plan, each) for each in answers)
        tier = given or plan.tier_by_roles(actor.roles if members is None else actor.roles | {members})
        name = f"user:{actor.key}" if actor.api_key_id is None else f"key:{actor.api_key_id}"
        made = self._make(plan, tenant, name, tier, tenants)
        made.roles = actor.roles
        made.until = now + plan.options.tier_seconds if plan.asks else math.inf
        self._keep(plan, _key(caller), made)
        return made

    def _anonymous(self, plan: Plan, scope: HttpScope, caller: Caller | None) -> Allowance:
        tenant = "" if caller is None or caller.scope is None else caller.scope.key
        return self._of_subject(plan, tenant, "address:" + plan.address_of(scope), plan.options.anonymous_tier)

    def _of_subject(self, plan: Plan, tenant: str, name: str, tier: str) -> Allowance:
        key = tenant, name, "subject"
        found = self._known.get(key)
        if found is None or found.tier != tier:
            known = self._named(plan, tier) or plan.options.default_tier
            found = self._make(plan, tenant, name, known, None)
            self._keep(plan, key, found)
        return found

    def _make(self, plan: Plan, tenant: str, name: str, tier: str, tenant_tier: str | None) -> Allowance:
        made = Allowance(name[:LONGEST_NAME], tenant, tier, plan.headers[tier])
        policy = plan.policies[tier]
        made.unlimited = policy is None
        shared = None if tenant_tier is None else plan.tenant_policies[tenant_tier]
        if shared is not None:
            made.tenant_budget = (self._budget(shared, tenant, "tenant"),)
        own = () if policy is None else (self._budget(policy, tenant, made.name),)
        made.budgets = own + made.tenant_budget
        if len(made.budgets) == 1 and type(made.budgets[0]) is Budget:
            made.only = made.budgets[0]
        return made

    def _named(self, plan: Plan, tier: str | None) -> str | None:
        """The tier, if there is one of that name; a name that is none is complained of once."""
        if tier is None or tier in plan.policies:
            return tier
        if tier not in self._complained and len(self._complained) < 100:
            self._complained.add(tier)
            LOGGER.error("There is no tier %r: its callers are in the default one. Add it to LimitsOptions.", tier)
        return None

    def _keep(self, plan: Plan, key: Key, made: Allowance) -> None:
        if len(self._known) >= plan.options.most_budgets:
            self._known.clear()
        self._known[key] = made


def _questions(plan: Plan, caller: Caller) -> list[tuple[Callable[[Any], Any], Any]]:
    options, tenant = plan.options, caller.scope
    return [
        (options.tier_of or _nothing, caller),
        (_nothing if tenant is None else options.members_tier_of or _nothing, tenant),
        (_nothing if tenant is None else options.tenant_tier_of or _nothing, tenant),
    ]


def _nothing(_: Any) -> None:
    return None


def _key(caller: Caller) -> Key:
    # Two parts for a user, three for all others, so that no name can be taken for somebody's id.
    actor = caller.actor
    tenant = "" if caller.scope is None else caller.scope.key
    return (tenant, actor.key) if actor.api_key_id is None else (tenant, str(actor.api_key_id), "key")

"""What one subject may ask for, as it is remembered between requests; and how that is told."""

from dataclasses import dataclass
from datetime import datetime

from mainstay.limits.budget import Budget
from mainstay.limits.plan import UNLIMITED
from mainstay.limits.policy import Header


class Allowance:
    """A subject in a tier: the budgets that each of its requests spends from; none where the tier is unlimited."""

    __slots__ = (
        "budgets",
        "name",
        "only",
        "roles",
        "tenant",
        "tenant_budget",
        "tier",
        "tier_header",
        "unlimited",
        "until",
    )

    def __init__(self, name: str, tenant: str, tier: str, tier_header: Header) -> None:
        self.name = name
        self.tenant = tenant
        self.tier = tier
        self.tier_header = tier_header
        self.unlimited = False
        self.budgets: tuple[Budget, ...] = ()
        # The one budget of `budgets`, where it is one that this process alone keeps.
        self.only: Budget | None = None
        self.tenant_budget: tuple[Budget, ...] = ()
        # What the tier was concluded from, and how long that is believed.
        self.roles: frozenset[str] = frozenset()
        self.until = 0.0


@dataclass(frozen=True, slots=True)
class LimitState:
    """Where a caller stands, for a route to read: the budget that has least left. None means unlimited."""

    tier: str
    limit: int | None
    remaining: int | None
    resets_at: datetime | None
    policies: tuple[str, ...] = ()


def tell(headers: list[Header], allowance: Allowance, budgets: tuple[Budget, ...], now: float, wall: float) -> None:
    """Add both families of headers: RateLimit for each budget, X-RateLimit for the one with least left.

    `t` is the time until the next unit comes back, within which no more than `r` can be had; X-RateLimit-Reset is the
    Unix time (`wall` seconds ahead of `now`'s clock, rounded up) at which the budget is whole.
    """
    if not budgets:
        headers.extend((*UNLIMITED, allowance.tier_header))
        return
    tightest, least = budgets[0], -1
    for budget in budgets:
        left = budget.left(now)
        whole = int(left)
        policy = budget.policy
        headers.append(policy.advert)
        headers.append((b"ratelimit", policy.ratelimit % (whole, -((left - whole - 1) * budget.interval // 1))))
        if whole < least or least < 0:
            tightest, least = budget, whole
    policy = tightest.policy
    headers.append(policy.limit)
    headers.append((b"x-ratelimit-remaining", b"%d" % least))
    tat = tightest.tat
    headers.append((b"x-ratelimit-reset", b"%d" % int((tat if tat > now else now) + wall)))
    headers.append(allowance.tier_header)

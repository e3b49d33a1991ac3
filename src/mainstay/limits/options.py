"""What an app may choose about limits; never read from the environment here."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from mainstay.base.context import Caller
from mainstay.base.errors import ConfigurationError
from mainstay.base.ports import HttpScope
from mainstay.base.tenant import TenantScope
from mainstay.limits.rate import Rate, RouteLimit

Tier = str | None
EXEMPT = (
    *("/livez", "/readyz", "/health", "/health/*", "/metrics", "/.well-known/jwks.json"),
    *("/docs*", "/redoc*", "/openapi.json", "/openapi.yaml"),
)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose budget a request is counted against, and in which tier. Names are the app's: `key:7f3a`, `device:42`."""

    name: str
    tier: str
    tenant: str = ""


def default_tiers() -> dict[str, str | Rate | None]:
    return {"free": "100/hour", "premium": "1000/hour", "enterprise": "10000/hour", "admin": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsOptions:
    """Tiers, who is in which, limits of single routes, and what happens while Redis is away.

    A user's tier is what `tier_of` answers, else the largest of the tiers that bear the name of one of their roles in
    the tenant and the one that `members_tier_of` answers, else `default_tier`. Raises ConfigurationError for what
    cannot be kept.
    """

    tiers: Mapping[str, str | Rate | None] = field(default_factory=default_tiers)
    """Name → rate; None is unlimited."""
    default_tier: str = "free"
    """Of signed-in users for whom nothing else is said."""
    anonymous_tier: str = "free"
    """Of everybody else, counted for each address."""
    tier_of: Callable[[Caller], Tier | Awaitable[Tier]] | None = None
    """A signed-in caller's tier, or None to go by their roles. Asked again after `tier_seconds`."""
    members_tier_of: Callable[[TenantScope], Tier | Awaitable[Tier]] | None = None
    """The tier that every member of this tenant is in at least. Asked like `tier_of`."""
    tenant_tier_of: Callable[[TenantScope], Tier | Awaitable[Tier]] | None = None
    """The tier whose rate all callers of this tenant share; None for no such budget. Asked like `tier_of`."""
    tier_seconds: float = 5.0
    subject_of: Callable[[HttpScope, Caller | None], Subject | None] | None = None
    """Counts requests by something else, such as an API key that the app has verified. None: as usual."""
    addresses: str | Rate | None = None
    """What one address may ask for, whoever calls from it."""
    routes: Mapping[str, str | RouteLimit] = field(default_factory=dict)
    """`POST /reports` or `/reports/*` → limit. The names in a path's braces and a `*` at its end match anything."""
    exempt: tuple[str, ...] = ()
    """Paths that are never counted, beside those of health, metrics, docs and public keys; a `*` at the end matches
    anything."""
    without_redis: Literal["open", "closed"] = "open"
    """While Redis is away: each process keeps a budget of its own, or requests are refused with 503."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose X-Forwarded-For is believed, such as `10.0.0.0/8`; `unix` for a proxy on a Unix socket."""
    redis_timeout: float = 0.25
    """Seconds that a request waits for Redis at most; then Redis is skipped until it answers again."""
    most_budgets: int = 100_000
    """Budgets that a process keeps in memory."""

    def __post_init__(self) -> None:
        for name in self.tiers:
            if not _NAME.fullmatch(name):
                raise ConfigurationError(f"{name!r} cannot name a tier.", fix="Use letters, digits, `_`, `-` and `.`.")
        for name in (self.default_tier, self.anonymous_tier):
            if name not in self.tiers:
                raise ConfigurationError(
                    f"There is no tier {name!r}.", fix=f"Name one of {', '.join(self.tiers)}, or add it to `tiers`."
                )
        if self.without_redis not in ("open", "closed"):
            raise ConfigurationError(f"without_redis is {self.without_redis!r}.", fix="Use 'open' or 'closed'.")

    def rates(self) -> dict[str, Rate | None]:
        """The tiers with their rates as values."""
        return {name: rate_of(given) for name, given in self.tiers.items()}


def rate_of(given: str | Rate | None) -> Rate | None:
    return Rate.parse(given) if isinstance(given, str) else given

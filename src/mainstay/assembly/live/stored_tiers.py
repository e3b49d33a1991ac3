"""Tiers that operators give to users and tenants while the app runs, kept among the live settings."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from mainstay.assembly.live.live_settings import LiveSettings
from mainstay.base.context import Caller
from mainstay.base.tenant import TenantScope
from mainstay.limits import LimitsOptions

KIND = "tier"


class StoredTiers:
    """A tier for one user in one tenant, and one that all members of a tenant are in at least.

    Each process knows all of them; a change counts here at once, in every other process within a second.
    """

    def __init__(self, live: LiveSettings) -> None:
        self._live = live
        self._tiers: dict[tuple[str, str], str] = {}
        self._changed: Callable[[], None] = _nobody
        live.follow(KIND, self._take)

    def tell(self, changed: Callable[[], None]) -> None:
        """Call this whenever a tier is given or taken."""
        self._changed = changed

    def get(self, tenant: UUID, user: UUID | None = None) -> str | None:
        """What was given to the user in this tenant, or to the tenant's members."""
        return self._tiers.get((str(tenant), str(user or "")))

    def given(self) -> list[tuple[UUID, UUID | None, str]]:
        """Tenant, user (None: its members) and tier of everything that was given, a tenant's own first."""
        return [
            (UUID(tenant), UUID(user) if user else None, tier) for (tenant, user), tier in sorted(self._tiers.items())
        ]

    async def put(self, tier: str | None, tenant: UUID, user: UUID | None = None, *, by: UUID | None = None) -> None:
        """Give it, or take it with None."""
        await self._live.put(f"{KIND}/{tenant}/{user or ''}", tier, by)

    def over(self, options: LimitsOptions) -> LimitsOptions:
        """The options with what is stored going before what the app's own functions answer."""
        tiers, of_caller, of_members = self._tiers, options.tier_of, options.members_tier_of

        def tier_of(caller: Caller) -> str | Awaitable[str | None] | None:
            scope = caller.scope
            stored = None if scope is None else tiers.get((scope.key, caller.actor.key))
            return stored or (None if of_caller is None else of_caller(caller))

        def members_tier_of(scope: TenantScope) -> str | Awaitable[str | None] | None:
            return tiers.get((scope.key, "")) or (None if of_members is None else of_members(scope))

        return replace(options, tier_of=tier_of, members_tier_of=members_tier_of)

    def _take(self, name: str, value: Any) -> None:
        tenant, _, user = name.removeprefix(f"{KIND}/").partition("/")
        if value is None:
            self._tiers.pop((tenant, user), None)
        else:
            self._tiers[tenant, user] = str(value)
        self._changed()


def _nobody() -> None:
    """Before the limiter is there."""

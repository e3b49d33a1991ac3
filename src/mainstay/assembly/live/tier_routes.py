"""The /system/tiers routes: which tier a tenant's members, or one of them, are in."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from mainstay.assembly.live.live_limits import LiveLimits
from mainstay.assembly.live.routes import CHANGING, SEEING, Changes, Sees, allow
from mainstay.assembly.live.stored_tiers import StoredTiers
from mainstay.assembly.openapi_document import refusals
from mainstay.base.errors import NotFound
from mainstay.tenancy import Tenancy
from mainstay.web.strict_routes import StrictRoute

GIVING = CHANGING | refusals(409)
GONE = refusals(400, 401, 403, 404, 503)
TenantName = Annotated[str, Path(min_length=1, max_length=64, description="A tenant's id or slug.")]


class TierBody(BaseModel):
    """The name of a tier that the app defines."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tier: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", examples=["premium"])]


class TierAnswer(BaseModel):
    """What was given; null where roles and the app's own functions decide."""

    tier: str | None


class GivenTier(BaseModel):
    """A tier that a tenant's members are in at least, or, where `user_id` is not null, one of them is in."""

    tenant: UUID
    user_id: UUID | None
    tier: str


class GivenTiers(BaseModel):
    """Those of one tenant stand together, its members' own first."""

    items: list[GivenTier]


def tier_routes(tiers: StoredTiers, limits: LiveLimits, tenancy: Tenancy) -> APIRouter:
    """Seen with `system:read`, given and taken with `admin:write` and `system:write`."""
    router = APIRouter(prefix="/system/tiers", tags=["system"], route_class=StrictRoute)

    async def the_tenant(named: str) -> UUID:
        found = await tenancy.get(named)
        if found is None:
            raise NotFound("There is no such tenant.")
        return found.id

    async def the_member(tenant: str, user_id: UUID) -> UUID:
        found = await the_tenant(tenant)
        if await tenancy.roles_of(user_id, found) is None:
            raise NotFound("This tenant has no such member.")
        return found

    @router.get("", operation_id="system_tiers_list", responses=SEEING)
    async def given(_: Sees) -> GivenTiers:
        """Every tier that was given, to tenants and to users."""
        return GivenTiers(items=[GivenTier(tenant=t, user_id=u, tier=tier) for t, u, tier in tiers.given()])

    @router.get("/{tenant}", operation_id="system_tiers_tenant_get", responses=SEEING)
    async def see(tenant: TenantName, _: Sees) -> TierAnswer:
        """The tier that the members of this tenant are in at least."""
        return TierAnswer(tier=tiers.get(await the_tenant(tenant)))

    @router.put("/{tenant}", operation_id="system_tiers_tenant_put", responses=GIVING)
    async def put(tenant: TenantName, body: TierBody, user: Changes) -> TierAnswer:
        """Give all members of this tenant at least this tier: on every process within a second."""
        limits.require_tier(body.tier, "tier")
        await tiers.put(body.tier, await the_tenant(tenant), by=user.id)
        return TierAnswer(tier=body.tier)

    @router.delete("/{tenant}", status_code=204, operation_id="system_tiers_tenant_delete", responses=GONE)
    async def delete(tenant: TenantName, user: Changes) -> None:
        """Take it back."""
        await tiers.put(None, await the_tenant(tenant), by=user.id)

    @router.get("/{tenant}/users/{user_id}", operation_id="system_tiers_user_get", responses=SEEING)
    async def see_user(tenant: TenantName, user_id: UUID, _: Sees) -> TierAnswer:
        """The tier that was given to this user in this tenant."""
        return TierAnswer(tier=tiers.get(await the_member(tenant, user_id), user_id))

    @router.put("/{tenant}/users/{user_id}", operation_id="system_tiers_user_put", responses=GIVING)
    async def put_user(tenant: TenantName, user_id: UUID, body: TierBody, user: Changes) -> TierAnswer:
        """Give this user this tier in this tenant, whatever their roles: on every process within a second."""
        limits.require_tier(body.tier, "tier")
        await tiers.put(body.tier, await the_member(tenant, user_id), user_id, by=user.id)
        return TierAnswer(tier=body.tier)

    @router.delete(
        "/{tenant}/users/{user_id}", status_code=204, operation_id="system_tiers_user_delete", responses=GONE
    )
    async def delete_user(tenant: TenantName, user_id: UUID, user: Changes) -> None:
        """Take it back."""
        await tiers.put(None, await the_member(tenant, user_id), user_id, by=user.id)

    allow(router, "", "GET")
    for path in ("/{tenant}", "/{tenant}/users/{user_id}"):
        allow(router, path, "GET", "PUT", "DELETE")
    return router

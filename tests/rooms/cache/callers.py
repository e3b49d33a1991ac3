"""Callers for the cache's tests, made as tenancy and identity would make them."""

from uuid import UUID

from mainstay.base.actor import Actor
from mainstay.base.context import Caller
from mainstay.base.tenant import TenantScope

ONE, OTHER = UUID(int=1), UUID(int=2)
ADA, BOB = UUID(int=11), UUID(int=12)


def caller(user: UUID | None = ADA, tenant: UUID = ONE, *, roles: str = "user", scopes: str = "") -> Caller:
    """Somebody in a tenant; without a user, a visitor."""
    actor = Actor() if user is None else Actor(user, frozenset(roles.split()), frozenset(scopes.split()))
    return Caller(actor, TenantScope(tenant), "request")

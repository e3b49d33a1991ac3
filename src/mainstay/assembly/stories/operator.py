"""Somebody at the command line: acts as an administrator, or as a user they name."""

from mainstay.base.actor import ADMIN, Actor
from mainstay.base.context import Caller
from mainstay.base.errors import Forbidden, NotFound
from mainstay.base.ids import request_id
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity import Identity
from mainstay.tenancy import Tenancy


async def operator(identity: Identity, tenancy: Tenancy, tenant: str | None, email: str | None) -> Caller:
    """The caller for work ordered from the command line, in the named tenant (id or slug) or the default one.

    Without an e-mail: an administrator. With one: that user, with the roles they hold there. Raises NotFound for an
    unknown tenant or user, Forbidden for a user who is no member.
    """
    tenant_id = DEFAULT_TENANT if tenant is None else (await tenancy.require(tenant)).id
    scope = await tenancy.scope_of(tenant_id)
    if email is None:
        roles = frozenset({ADMIN})
        return Caller(Actor(None, roles, identity.catalogue.scopes_of(roles), console=True), scope, request_id())
    user = await identity.find_user(email)
    if user is None:
        raise NotFound(f"There is no user with the address {email}.")
    held = await tenancy.roles_of(user.id, tenant_id)
    if held is None:
        raise Forbidden(f"{email} is not a member of this tenant.", code="not_a_member")
    return Caller(Actor(user.id, held, identity.catalogue.scopes_of(held), console=True), scope, request_id())

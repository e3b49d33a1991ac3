"""The tenancy room as one object: tenants, their members, and the only maker of TenantScope."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause

from mainstay.base.clock import Clock, SystemClock
from mainstay.base.errors import Conflict, Forbidden, NotFound
from mainstay.base.ids import uuid7
from mainstay.base.tenant import DEFAULT_TENANT, SystemScope, TenantScope
from mainstay.storage import Database, errors
from mainstay.storage.control import ControlPlane, in_turn
from mainstay.tenancy import membership as sql
from mainstay.tenancy.options import TenancyOptions
from mainstay.tenancy.ports import Changes, Nobody, Revoke, Step
from mainstay.tenancy.resolve.resolver import Hints
from mainstay.tenancy.tables import memberships
from mainstay.tenancy.tenant import (
    Entry,
    Member,
    Standing,
    Tenant,
    as_id,
    require_name,
    require_roles,
    require_slug,
    slug_of,
)

DEFAULT_SLUG = "default"


class Tenancy:
    """Tenants and who belongs to them. `open()` before use: it makes the default tenant.

    `revoke` and `changes` may be set after construction, since what they are usually needs this object first.
    """

    def __init__(
        self,
        database: Database,
        system: SystemScope,
        options: TenancyOptions | None = None,
        clock: Clock | None = None,
        revoke: Revoke | None = None,
    ) -> None:
        self.options = options or TenancyOptions()
        self.revoke: Revoke = revoke or Nobody()
        # Without it members are changed here alone, and the last administrator may go.
        self.changes: Changes | None = None
        self._control = ControlPlane(database, system)
        self._clock = clock or SystemClock()
        self._default = TenantScope(DEFAULT_TENANT)

    async def open(self) -> None:
        """Make the default tenant, unless another worker or an earlier start has."""
        if not await self._control.fetch(sql.BY_ID, tenant=DEFAULT_TENANT):
            first = Tenant(DEFAULT_TENANT, DEFAULT_SLUG, "Default", self._clock.now())
            with suppress(errors.UniqueClash):
                await self._control.write(self._add(first))

    @property
    def by_header(self) -> bool:
        """Whether a request may name its tenant in a header."""
        return any(resolver.reads_header for resolver in self.options.resolvers)

    def default_scope(self) -> TenantScope:
        """The scope of the one tenant of an app that has no others."""
        return self._default

    # Tenants

    async def create(self, name: str, slug: str | None = None) -> Tenant:
        """A new tenant without members; the slug is made from the name unless given. Raises Invalid or Conflict."""
        title = require_name(name)
        tenant = Tenant(uuid7(), slug_of(title) if slug is None else require_slug(slug), title, self._clock.now())
        try:
            await self._control.write(self._add(tenant))
        except errors.UniqueClash:
            raise Conflict(f"There is a tenant with the slug {tenant.slug} already.", code="slug_taken") from None
        return tenant

    async def get(self, named: str | UUID) -> Tenant | None:
        """The tenant of this id or slug."""
        identifier = named if isinstance(named, UUID) else as_id(named)
        if identifier is not None:
            rows = await self._control.fetch(sql.BY_ID, tenant=identifier)
        elif isinstance(named, str) and named.isascii() and named.isprintable():
            rows = await self._control.fetch(sql.BY_SLUG, slug=named)
        else:
            rows = []
        return Tenant(*rows[0]) if rows else None

    async def require(self, named: str | UUID) -> Tenant:
        """The tenant of this id or slug. Raises NotFound."""
        tenant = await self.get(named)
        if tenant is None:
            raise NotFound("There is no such tenant.")
        return tenant

    async def list(self) -> Sequence[Tenant]:
        """Every tenant, by slug."""
        return [Tenant(*row) for row in await self._control.fetch(sql.LIST_TENANTS)]

    async def suspend(self, tenant_id: UUID) -> None:
        """Refuse everybody in this tenant, within a second in every process. Rows stay. Raises NotFound."""
        await self.require(tenant_id)
        await self._change(None, self._control.step(sql.SUSPEND, tenant=tenant_id, now=self._clock.now()))

    async def resume(self, tenant_id: UUID) -> None:
        """Let a suspended tenant's members in again. Raises NotFound."""
        await self.require(tenant_id)
        await self._change(None, self._control.step(sql.RESUME, tenant=tenant_id))

    # Members

    async def add_member(self, tenant_id: UUID, user_id: UUID, roles: Iterable[str] = ("user",)) -> Member:
        """Raises NotFound for no such tenant, Conflict for somebody who is a member already."""
        await self.require(tenant_id)
        try:
            before = () if self.changes is None else self.changes.joining(user_id)
            await self._change(user_id, self._joining(tenant_id, user_id, roles), before)
        except errors.UniqueClash:
            raise Conflict("This user is a member of the tenant already.", code="already_a_member") from None
        return Member(tenant_id, user_id, frozenset(roles), self._clock.now())

    async def set_roles(self, tenant_id: UUID, user_id: UUID, roles: Iterable[str]) -> None:
        """Replace a member's roles, effective within a second; who acts as others does so no longer.

        Raises NotFound for somebody who is not a member, Conflict for the last administrator.
        """
        named = require_roles(frozenset(roles))
        step = self._control.step(sql.SET_ROLES, tenant=tenant_id, user=user_id, roles=named)
        await self._changed(tenant_id, user_id, named, step)

    async def remove_member(self, tenant_id: UUID, user_id: UUID) -> None:
        """Take a user out of a tenant, effective within a second. Raises as `set_roles` does."""
        step = self._control.step(sql.REMOVE_MEMBER, tenant=tenant_id, user=user_id)
        await self._changed(tenant_id, user_id, None, step)

    async def members(self, tenant_id: UUID) -> Sequence[Member]:
        """The members of a tenant, in the order they joined."""
        rows = await self._control.fetch(sql.LIST_MEMBERS, tenant=tenant_id)
        return [Member(tenant, user, frozenset(roles), at) for tenant, user, roles, at in rows]

    async def tenants_of(self, user_id: UUID) -> Sequence[Tenant]:
        """The tenants a user belongs to, the one joined first at the head."""
        return [Tenant(*row) for row in await self._control.fetch(sql.TENANTS_OF, user=user_id)]

    async def roles_of(self, user_id: UUID, tenant_id: UUID) -> frozenset[str] | None:
        """The roles a user holds there now; None for no member, no tenant, or a suspended one."""
        standing = await self.standing(user_id, tenant_id)
        return None if standing is None or standing.suspended else standing.roles

    async def standing(self, user_id: UUID, tenant_id: UUID) -> Standing | None:
        """What the tenant says of the user; None where there is no such tenant."""
        rows = await self._control.fetch(sql.STANDING, user=user_id, tenant=tenant_id)
        if not rows:
            return None
        roles, suspended_at, second_factor_at = rows[0]
        held = None if roles is None else frozenset(roles)
        return Standing(held, suspended_at is not None, second_factor_at is not None)

    def welcome(self, user_id: UUID, roles: Iterable[str], tenant_id: UUID | None = None) -> Sequence[Step]:
        """The steps that make a new user a member, of the default tenant unless another is given.

        For the transaction that creates the user.
        """
        return [self._joining(tenant_id or DEFAULT_TENANT, user_id, roles)]

    # Steps of other rooms' transactions

    def table(self) -> FromClause:
        """Memberships, to be joined with users: `tenant_id`, `user_id`, `roles`, `created_at`."""
        return memberships

    def hold(self, tenant_id: UUID) -> Sequence[Step]:
        """The steps after which nobody else changes this tenant's members, until the transaction ends."""
        return [self._control.step(sql.HOLD, tenant=tenant_id)]

    def set_roles_steps(self, user_id: UUID, tenant_id: UUID, roles: Iterable[str]) -> Sequence[Step]:
        """The steps that replace a member's roles."""
        named = require_roles(frozenset(roles))
        return [self._control.step(sql.SET_ROLES, tenant=tenant_id, user=user_id, roles=named)]

    def demand_second_factor(self, tenant_id: UUID, demanded: bool) -> Sequence[Step]:
        """The step after which the tenant's members need a second factor, or need none. A row where that is new."""
        step = self._control.step
        return [
            step(sql.DEMAND, tenant=tenant_id, now=self._clock.now())
            if demanded
            else step(sql.DEMAND_NOT, tenant=tenant_id)
        ]

    def leave(self, user_id: UUID, tenant_id: UUID | None = None) -> Sequence[Step]:
        """The steps that take a user out of a tenant, or out of all."""
        if tenant_id is None:
            return [self._control.step(sql.LEAVE_ALL, user=user_id)]
        return [self._control.step(sql.REMOVE_MEMBER, tenant=tenant_id, user=user_id)]

    # Scopes: proofs that a tenant was resolved

    async def scope_of(self, tenant_id: UUID, *, suspended: bool = False) -> TenantScope:
        """Leave to touch this tenant's rows, for work that acts on its behalf, or that is owed although the tenant is
        `suspended`. Raises NotFound or Forbidden."""
        tenant = await self.require(tenant_id)
        if tenant.suspended and not suspended:
            raise _suspended()
        return self._proof(tenant.id)

    async def home_of(self, user_id: UUID, named: str | None = None) -> UUID:
        """The tenant a new session is for. Raises NotFound for one the user does not belong to, Forbidden for none."""
        if not self.options.resolvers:
            return DEFAULT_TENANT
        theirs = await self.tenants_of(user_id)
        if named is not None:
            theirs = [tenant for tenant in theirs if tenant.slug == named or tenant.id == as_id(named)]
            if not theirs:
                raise NotFound("There is no such tenant.")
        open_ones = [tenant for tenant in theirs if not tenant.suspended]
        if theirs and not open_ones:
            raise _suspended()
        if not open_ones:
            raise Forbidden("This account belongs to no tenant.", code="not_a_member")
        return open_ones[0].id

    async def resolve(self, user_id: UUID, hints: Hints) -> Entry | None:
        """The tenant a signed-in caller's request is for, and what is held there; None where none is named.

        Raises NotFound for a tenant that does not exist or the user is no member of (the same answer), Forbidden for
        one that is suspended.
        """
        tenant_id = await self._named(hints)
        return None if tenant_id is None else await self.enter(user_id, tenant_id)

    async def enter(self, user_id: UUID, tenant_id: UUID) -> Entry:
        """Leave to touch this tenant's rows, and what the user holds there. Raises as `resolve` does."""
        standing = await self.standing(user_id, tenant_id)
        if standing is None or standing.roles is None:
            # Where there is but one tenant nobody named it, and nobody should hear of it.
            if not self.options.resolvers:
                raise Forbidden("This account has no access here.", code="not_a_member")
            raise NotFound("There is no such tenant.")
        if standing.suspended:
            raise _suspended()
        return Entry(self._proof(tenant_id), standing.roles, standing.second_factor)

    async def enter_as_guest(self, tenant_id: UUID, roles: frozenset[str]) -> Entry:
        """The same for somebody who is no member, and holds what another says. Raises NotFound or Forbidden."""
        tenant = await self.require(tenant_id)
        if tenant.suspended:
            raise _suspended()
        return Entry(self._proof(tenant.id), roles, tenant.second_factor)

    def resolve_anonymous(self) -> TenantScope | None:
        """The tenant of a request that proves no caller: the one there is, else none."""
        return None if self.options.resolvers else self._default

    async def _named(self, hints: Hints) -> UUID | None:
        if not self.options.resolvers:
            return DEFAULT_TENANT
        found = (resolver.find(hints) for resolver in self.options.resolvers)
        named = next((name for name in found if name is not None), self.options.default)
        if named is None:
            return None
        return (await self.require(named)).id

    def _proof(self, tenant_id: UUID) -> TenantScope:
        return self._default if tenant_id == DEFAULT_TENANT else TenantScope(tenant_id)

    # Scripts

    def _joining(self, tenant_id: UUID, user_id: UUID, roles: Iterable[str]) -> Step:
        named = require_roles(frozenset(roles))
        return self._control.step(
            sql.ADD_MEMBER, tenant_id=tenant_id, user_id=user_id, roles=named, created_at=self._clock.now()
        )

    def _add(self, tenant: Tenant) -> Any:
        yield self._control.step(
            sql.ADD_TENANT, id=tenant.id, slug=tenant.slug, name=tenant.name, created_at=tenant.created_at
        )

    async def _changed(self, tenant_id: UUID, user_id: UUID, roles: Sequence[str] | None, step: Step) -> None:
        """Let the other rooms make the change where there are any; else run the step."""
        if self.changes is not None:
            there = await self.changes.change(tenant_id, user_id, roles)
        else:
            there = bool(await self._change(user_id, step))
        if not there:
            raise NotFound("This user is not a member of the tenant.")

    async def _change(self, user_id: UUID | None, step: Step, before: Sequence[Step] = ()) -> Sequence[Any]:
        """Make the change and its revocation in one transaction; answers the rows the change returned."""
        rows: Sequence[Any] = await self._control.write(self._with_revocation(user_id, step, before))
        self.revoke.applied(user_id)
        return rows

    def _with_revocation(self, user_id: UUID | None, step: Step, before: Sequence[Step]) -> Any:
        yield from in_turn(before)
        rows = yield step
        yield from in_turn(self.revoke.steps(user_id))
        return rows


def _suspended() -> Forbidden:
    return Forbidden("This tenant is suspended.", code="tenant_suspended")

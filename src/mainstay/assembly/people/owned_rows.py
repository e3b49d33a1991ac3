"""The rows a person owns: told to them, and deleted, handed over, made nobody's or kept, as their class declares."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import select

from mainstay.access.policy import PreparedAccess, evaluate, readable_fields
from mainstay.base.actor import ADMIN, Actor
from mainstay.base.context import Caller, acting
from mainstay.base.ids import request_id
from mainstay.base.tenant import TenantScope
from mainstay.identity.catalogue import Catalogue
from mainstay.model.spec import FieldSpec, ResourceSpec
from mainstay.resources import Registry
from mainstay.storage import Database
from mainstay.tenancy import Tenancy

# The owner of rows that were somebody's who is gone, where the column does not take NULL.
NOBODY = UUID(int=0)
AT_ONCE = 100


class OwnedRows:
    """Rows of every declared resource with an `owned()` column."""

    name = "rows"

    def __init__(self, registry: Registry, database: Database, tenancy: Tenancy, catalogue: Catalogue) -> None:
        self._registry, self._database, self._tenancy, self._catalogue = registry, database, tenancy, catalogue

    async def export(self, user_id: UUID) -> Any:
        """Of the tenants they are in, by tenant and resource. Of each row what the person may read of it there; and
        what is declared as personal, whoever may read it.
        """
        found: dict[str, dict[str, list[Any]]] = {}
        for tenant in await self._tenancy.tenants_of(user_id):
            scope = await self._tenancy.scope_of(tenant.id, suspended=True)
            actor = await self._actor(user_id, tenant.id)
            for name, spec, owner in self._owning():
                rows = await self._rows(scope, spec, owner, actor)
                if rows:
                    found.setdefault(tenant.slug, {}).setdefault(name, []).extend(rows)
        return found

    async def erase(self, user_id: UUID) -> int:
        """Of every tenant: rows stay behind where a member leaves."""
        count = 0
        for tenant in await self._tenancy.list():
            scope = await self._tenancy.scope_of(tenant.id, suspended=True)
            with acting(Caller(Actor(roles=frozenset({ADMIN})), scope, request_id())):
                for _, spec, owner in self._owning():
                    while done := await self._give_up(scope, spec, owner, user_id):
                        count += done
        return count

    def _owning(self) -> Iterator[tuple[str, ResourceSpec, FieldSpec]]:
        for name in self._registry.names:
            spec = self._registry[name].spec
            yield from ((name, spec, field) for field in spec.fields.values() if field.owner)

    async def _actor(self, user_id: UUID, tenant_id: UUID) -> Actor:
        standing = await self._tenancy.standing(user_id, tenant_id)
        roles = frozenset() if standing is None else standing.roles or frozenset()
        return Actor(user_id, roles, self._catalogue.scopes_of(roles))

    async def _rows(self, scope: TenantScope, spec: ResourceSpec, owner: FieldSpec, actor: Actor) -> list[Any]:
        model: Any = spec.model
        key = getattr(model, spec.key.name)
        query = select(model).where(getattr(model, owner.name) == actor.user_id).order_by(key).limit(AT_ONCE)
        told = Told(spec, self._registry[spec.name].access, actor)
        found: list[Any] = []
        last: Any = None
        async with self._database.session(scope) as session:
            while True:
                page = (await session.scalars(query if last is None else query.where(key > last))).all()
                found += [told.of({name: getattr(row, name) for name in spec.fields}) for row in page]
                if len(page) < AT_ONCE:
                    return found
                last = getattr(page[-1], spec.key.name)
                session.expunge_all()

    async def _give_up(self, scope: TenantScope, spec: ResourceSpec, owner: FieldSpec, user_id: UUID) -> int:
        """One page of rows in a transaction of its own; answers how many there were."""
        if owner.on_erase == "keep":
            return 0
        model: Any = spec.model
        heir = await self._heir(scope, owner, user_id)
        async with self._database.session(scope) as session:
            query = select(model).where(getattr(model, owner.name) == user_id).limit(AT_ONCE)
            rows = (await session.scalars(query)).all()
            for row in rows:
                if owner.on_erase == "delete":
                    await session.delete(row)
                else:
                    setattr(row, owner.name, heir)
            await session.commit()
        return len(rows)

    async def _heir(self, scope: TenantScope, owner: FieldSpec, user_id: UUID) -> UUID | None:
        if owner.on_erase == "hand_over":
            for member in await self._tenancy.members(scope.tenant_id):
                if ADMIN in member.roles and member.user_id != user_id:
                    return member.user_id
        return None if owner.nullable else NOBODY


class Told:
    """What of a row its owner is told."""

    def __init__(self, spec: ResourceSpec, access: PreparedAccess, actor: Actor) -> None:
        self._spec, self._access, self._actor = spec, access, actor
        self._masks = readable_fields(access, actor)

    def of(self, row: dict[str, Any]) -> dict[str, Any]:
        """JSON-ready values, by field."""
        return {name: field.to_json(row[name]) for name, field in self._spec.fields.items() if self._shows(field, row)}

    def _shows(self, field: FieldSpec, row: dict[str, Any]) -> bool:
        if field.personal:
            return True
        if not field.readable or field.name in self._masks.hidden:
            return False
        if field.name not in self._masks.conditional:
            return True
        rule = self._access.field_read[field.name]
        # What depends on other rows is not told: only the database could say whether it may be.
        return not rule.paths and rule.fields <= row.keys() and evaluate(rule, self._actor, row) is True

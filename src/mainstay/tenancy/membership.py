"""The statements over tenants and memberships."""

from sqlalchemy import bindparam, delete, insert, select, update

from mainstay.tenancy.tables import memberships as m
from mainstay.tenancy.tables import tenants as t

_tenant = (t.c.id, t.c.slug, t.c.name, t.c.created_at, t.c.suspended_at, t.c.second_factor_at)
ADD_TENANT = insert(t).values({name: bindparam(name) for name in ("id", "slug", "name", "created_at")})
BY_ID = select(*_tenant).where(t.c.id == bindparam("tenant"))
BY_SLUG = select(*_tenant).where(t.c.slug == bindparam("slug"))
LIST_TENANTS = select(*_tenant).order_by(t.c.slug)
SUSPEND = (
    update(t).where(t.c.id == bindparam("tenant"), t.c.suspended_at.is_(None)).values(suspended_at=bindparam("now"))
)
RESUME = update(t).where(t.c.id == bindparam("tenant")).values(suspended_at=None)
# A row comes back where that changed anything.
_demanding = update(t).where(t.c.id == bindparam("tenant")).returning(t.c.id)
DEMAND = _demanding.where(t.c.second_factor_at.is_(None)).values(second_factor_at=bindparam("now"))
DEMAND_NOT = _demanding.where(t.c.second_factor_at.is_not(None)).values(second_factor_at=None)

ADD_MEMBER = insert(m).values({c.name: bindparam(c.name) for c in m.c})
_member = (m.c.tenant_id == bindparam("tenant")) & (m.c.user_id == bindparam("user"))
SET_ROLES = update(m).where(_member).values(roles=bindparam("roles")).returning(m.c.user_id)
REMOVE_MEMBER = delete(m).where(_member).returning(m.c.user_id)
LEAVE_ALL = delete(m).where(m.c.user_id == bindparam("user"))
# It changes nothing: on PostgreSQL the row stays locked until the transaction ends.
HOLD = update(t).where(t.c.id == bindparam("tenant")).values(slug=t.c.slug)
LIST_MEMBERS = (
    select(m.c.tenant_id, m.c.user_id, m.c.roles, m.c.created_at)
    .where(m.c.tenant_id == bindparam("tenant"))
    .order_by(m.c.created_at, m.c.user_id)
)
STANDING = (
    select(m.c.roles, t.c.suspended_at, t.c.second_factor_at)
    .select_from(t)
    .outerjoin(m, (m.c.tenant_id == t.c.id) & (m.c.user_id == bindparam("user")))
    .where(t.c.id == bindparam("tenant"))
)
# Where a user who names no tenant is taken: the one joined first.
TENANTS_OF = (
    select(*_tenant)
    .join(m, m.c.tenant_id == t.c.id)
    .where(m.c.user_id == bindparam("user"))
    .order_by(m.c.created_at, t.c.id)
)

"""The accounts that an administrator may see: the members of their tenant, or everybody for an operator."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Select, Text, and_, bindparam, cast, exists, func, or_, select
from sqlalchemy.sql.selectable import Join

from mainstay.base.errors import NotFound
from mainstay.base.page import Page
from mainstay.identity.accounts.user import User
from mainstay.identity.administration import cursor as cursors
from mainstay.identity.administration.account import Account
from mainstay.identity.administration.standing import Administrator
from mainstay.identity.authenticators.tables import passkeys, totp
from mainstay.identity.email_address import normalise
from mainstay.identity.room import Room
from mainstay.identity.tables import sessions as s
from mainstay.identity.tables import users as u
from mainstay.storage.sql import contains

SORTS = ("created_at", "-created_at", "email", "-email")
MOST = 200
_columns = tuple(u.c[name] for name in User.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which accounts, and in which order. `q` is looked for in addresses, usernames and display names; None does not
    filter."""

    q: str | None = None
    email: str | None = None
    active: bool | None = None
    role: str | None = None
    sort: str = "-created_at"
    limit: int = 20
    after: str | None = None


async def list_accounts(room: Room, by: Administrator, wanted: Wanted) -> Page[Account]:
    """A page of them; `next` is None at the end. Raises CursorRefused."""
    values: dict[str, Any] = {"tenant": by.tenant_id, "limit": wanted.limit + 1}
    if wanted.q is not None:
        values["q"] = wanted.q
    if wanted.email is not None:
        values["email"] = normalise(wanted.email)
    if wanted.active is not None:
        values["active"] = wanted.active
    if wanted.role is not None:
        values["role"] = f'%"{_literally(wanted.role)}"%'
    if wanted.after is not None:
        values["value"], values["id"] = cursors.read(wanted.after, wanted.sort)
    filters = tuple(sorted(values.keys() & {"q", "email", "active", "role", "value"}))
    statement = _list(room.memberships.table(), by.oversees, wanted.sort, filters)
    rows = await room.control.fetch(statement, **values)
    found = [_account(row) for row in rows[: wanted.limit]]
    more = len(rows) > wanted.limit
    return Page(found, _cursor(wanted.sort, found[-1]) if more else None)


async def get_account(room: Room, by: Administrator, user: UUID) -> Account | None:
    """One of them; None also for an account that is not theirs to see."""
    rows = await room.control.fetch(_one(room.memberships.table(), by.oversees), tenant=by.tenant_id, user=user)
    return _account(rows[0]) if rows else None


async def require_account(room: Room, by: Administrator, user: UUID) -> Account:
    """One of them. Raises NotFound, also for an account that is not theirs to see."""
    found = await get_account(room, by, user)
    if found is None:
        raise NotFound("There is no such user.")
    return found


@cache
def _list(members: FromClause, everybody: bool, sort: str, filters: Sequence[str]) -> Select[Any]:
    # As many statements as there are ways to ask, and each is compiled once.
    column = u.c.email if sort.endswith("email") else u.c.created_at
    descending = sort.startswith("-")
    after: ColumnElement[bool] = or_(
        (column < bindparam("value")) if descending else (column > bindparam("value")),
        and_(column == bindparam("value"), (u.c.id < bindparam("id")) if descending else (u.c.id > bindparam("id"))),
    )
    conditions: dict[str, ColumnElement[bool]] = {
        "q": or_(*(contains(column, "q") for column in (u.c.email, u.c.username, u.c.display_name))),
        "email": u.c.email == bindparam("email"),
        "active": u.c.active == bindparam("active"),
        "role": cast(members.c.roles, Text).like(bindparam("role"), escape="\\"),
        "value": after,
    }
    statement = _accounts(members, everybody).where(*(conditions[name] for name in filters))
    order = (column.desc(), u.c.id.desc()) if descending else (column, u.c.id)
    return statement.order_by(*order).limit(bindparam("limit"))


@cache
def _one(members: FromClause, everybody: bool) -> Select[Any]:
    return _accounts(members, everybody).where(u.c.id == bindparam("user"))


def _accounts(members: FromClause, everybody: bool) -> Select[Any]:
    here = and_(members.c.user_id == u.c.id, members.c.tenant_id == bindparam("tenant"))
    joined: Join = u.outerjoin(members, here) if everybody else u.join(members, here)
    signed_in = select(func.max(s.c.created_at)).where(s.c.user_id == u.c.id, s.c.impersonator_id.is_(None))
    if not everybody:
        signed_in = signed_in.where(s.c.tenant_id == bindparam("tenant"))
    return select(
        *_columns,
        exists().where(totp.c.user_id == u.c.id, totp.c.confirmed_at.is_not(None)).correlate(u),
        exists().where(passkeys.c.user_id == u.c.id).correlate(u),
        signed_in.correlate(u).scalar_subquery(),
        members.c.roles,
        members.c.created_at,
    ).select_from(joined)


def _account(row: Sequence[Any]) -> Account:
    *columns, app, key, signed_in, roles, joined_at = row
    user = User(*columns)
    return Account(
        user.id,
        user.email,
        user.active,
        user.created_at,
        user.username,
        user.display_name,
        user.language,
        user.email_verified,
        user.deletion_at,
        tuple(name for name, there in (("totp", app), ("passkey", key)) if there),
        signed_in,
        None if roles is None else frozenset(roles),
        joined_at,
    )


def _cursor(sort: str, last: Account) -> str:
    return cursors.seal(sort, last.email if sort.endswith("email") else last.created_at, last.id)


def _literally(text: str) -> str:
    """Text in which LIKE finds no wildcards."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")

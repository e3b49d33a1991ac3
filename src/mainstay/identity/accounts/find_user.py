"""Look users up."""

from uuid import UUID

from sqlalchemy import bindparam, select

from mainstay.identity.accounts.user import User
from mainstay.identity.email_address import normalise
from mainstay.identity.room import Room
from mainstay.identity.tables import credentials
from mainstay.identity.tables import users as t

_columns = tuple(t.c[name] for name in User.__dataclass_fields__)
BY_ID = select(*_columns).where(t.c.id == bindparam("id"))
BY_EMAIL = select(*_columns).where(t.c.email == bindparam("email"))
LIST = select(*_columns).order_by(t.c.id).limit(bindparam("limit")).offset(bindparam("offset"))

PASSWORD = select(credentials.c.user_id).where(
    credentials.c.user_id == bindparam("user"), credentials.c.kind == "password"
)


async def get_user(room: Room, user_id: UUID) -> User | None:
    rows = await room.control.fetch(BY_ID, id=user_id)
    return User(*rows[0]) if rows else None


async def find_user(room: Room, email: str) -> User | None:
    """The user with this address, however it is capitalised."""
    rows = await room.control.fetch(BY_EMAIL, email=normalise(email))
    return User(*rows[0]) if rows else None


async def list_users(room: Room, limit: int, offset: int) -> list[User]:
    """Users, those who came first at the head."""
    return [User(*row) for row in await room.control.fetch(LIST, limit=limit, offset=offset)]


async def has_password(room: Room, user_id: UUID) -> bool:
    """Whether the user can prove who they are by one; who came with another provider may have none."""
    return bool(await room.control.fetch(PASSWORD, user=user_id))

"""Store a new user: the row, a password if there is one, a membership."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert
from sqlalchemy.dialects import postgresql, sqlite

from mainstay.identity.accounts.user import User
from mainstay.identity.credentials.change_password import set_hash
from mainstay.identity.errors import EmailTaken, UsernameTaken
from mainstay.identity.events import Fact
from mainstay.identity.room import Room
from mainstay.identity.tables import users
from mainstay.storage import errors
from mainstay.storage.control import in_turn

ADD_USER = insert(users).values({c.name: bindparam(c.name) for c in users.c})


@lru_cache(maxsize=2)
def add_unless_there(dialect: str) -> Any:
    """The insert that answers no row where the address or the username is taken."""
    make: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    add = make(users).values({c.name: bindparam(c.name) for c in users.c})
    return add.on_conflict_do_nothing().returning(users.c.id)


def add_user(
    room: Room,
    user: User,
    secret: str | None,
    roles: Sequence[str],
    tenant: UUID | None,
    profile: Mapping[str, Any] | None = None,
) -> Any:
    """The part of a script that stores a new user and what belongs to them, with accepted values of the app's fields.

    Raises EmailTaken, UsernameTaken, or Conflict for a field's value that is somebody else's.
    """
    try:
        yield room.control.step(ADD_USER, **values_of(user))
    except errors.UniqueClash as clash:
        # SQLite tells the columns, PostgreSQL the constraint.
        named = "username" in clash.columns or "username" in clash.constraint
        raise (UsernameTaken if named else EmailTaken)() from None
    yield from belongings(room, user, secret, roles, tenant)
    with room.fields.clashes():
        yield from room.fields.steps(room.control, user.id, profile or {})


def belongings(room: Room, user: User, secret: str | None, roles: Sequence[str], tenant: UUID | None) -> Any:
    """What a new user has besides their row."""
    if secret is not None:
        yield set_hash(room.control, user.id, secret, user.created_at)
    yield from in_turn(room.memberships.welcome(user.id, roles, tenant))
    yield from in_turn(room.journal.steps(Fact("account.created", user.id, tenant)))


def told_at_sign_up(room: Room, user_id: UUID, asked: Mapping[str, Any]) -> Any:
    """What the sign-up form said of the app's own fields. It was checked then; what the app no longer accepts is left
    out, since nobody is there to correct it.
    """
    yield from room.fields.steps(room.control, user_id, room.fields.still_accepted(asked.get("profile") or {}))


def values_of(user: User) -> dict[str, Any]:
    """The row of a new user."""
    values = {name: getattr(user, name) for name in User.__dataclass_fields__}
    return values | {"updated_at": user.created_at}

"""A user's picture: kept in the database, found under a name that nobody can guess."""

import base64
import secrets
from collections.abc import Generator
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from mainstay.base.errors import NotFound
from mainstay.identity.ports import Step
from mainstay.identity.profiles.change_profile import HOLD_USER
from mainstay.identity.profiles.picture import Picture
from mainstay.identity.profiles.tables import avatars as t
from mainstay.identity.room import Room
from mainstay.storage.statement import Rows

GET = select(t.c.media_type, t.c.content).where(t.c.name == bindparam("name"))
NAME = select(t.c.name).where(t.c.user_id == bindparam("user"))
CHANGE = (
    update(t)
    .where(t.c.user_id == bindparam("user"))
    .values({name: bindparam(name) for name in ("name", "media_type", "content", "updated_at")})
    .returning(t.c.user_id)
)
ADD = insert(t).values({c.name: bindparam(c.name) for c in t.c})
REMOVE = delete(t).where(t.c.user_id == bindparam("user"))


async def set_avatar(room: Room, user: UUID, picture: Picture) -> str:
    """Keep the picture; answers its name. It is another each time, so that browsers may keep what they have seen."""
    name = secrets.token_urlsafe(16)
    await room.control.write(_set(room, user, name, picture))
    return name


async def remove_avatar(room: Room, user: UUID) -> None:
    await room.control.write(_remove(room, user))


async def avatar_name(room: Room, user: UUID) -> str | None:
    """The name of the user's picture, or None."""
    rows = await room.control.fetch(NAME, user=user)
    return rows[0][0] if rows else None


async def require_avatar(room: Room, name: str) -> Picture:
    """Raises NotFound."""
    rows = await room.control.fetch(GET, name=name) if name.isascii() and name.isprintable() else []
    if not rows:
        raise NotFound("There is no such picture.")
    return Picture(rows[0][0], base64.b64decode(rows[0][1]))


def _set(room: Room, user: UUID, name: str, picture: Picture) -> Generator[Step, Rows, None]:
    if not (yield room.control.step(HOLD_USER, user=user)):
        raise NotFound("There is no such user.")
    content = base64.b64encode(picture.content).decode()
    kept = {"name": name, "media_type": picture.media_type, "content": content, "updated_at": room.now()}
    if not (yield room.control.step(CHANGE, user=user, **kept)):
        yield room.control.step(ADD, user_id=user, **kept)


def _remove(room: Room, user: UUID) -> Generator[Step, Rows, None]:
    yield room.control.step(REMOVE, user=user)

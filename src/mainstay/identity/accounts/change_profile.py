"""What users say about themselves: a username, a display name, a language."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, true, update

from mainstay.base.errors import SignInRequired
from mainstay.identity.accounts.find_user import BY_ID
from mainstay.identity.accounts.user import User
from mainstay.identity.errors import UsernameTaken
from mainstay.identity.events import Fact
from mainstay.identity.room import Room
from mainstay.identity.tables import users as t
from mainstay.identity.username import require_username
from mainstay.storage import errors
from mainstay.storage.control import in_turn

FIELDS = ("username", "display_name", "language")
CHANGE = (
    update(t)
    .where(t.c.id == bindparam("user"), t.c.active == true())
    .values({name: bindparam(name) for name in FIELDS} | {"updated_at": bindparam("now")})
    .returning(t.c.id)
)


async def change_profile(room: Room, user_id: UUID, changes: Mapping[str, str | None]) -> User:
    """The user with these of `FIELDS` changed; None takes a value away (RFC 7396). Raises Invalid, UsernameTaken."""
    wanted = dict(changes)
    if wanted.get("username") is not None:
        wanted["username"] = require_username(str(wanted["username"]))
    try:
        user: User = await room.control.write(_change(room, user_id, wanted))
    except errors.UniqueClash:
        raise UsernameTaken from None
    return user


def _change(room: Room, user_id: UUID, wanted: Mapping[str, Any]) -> Any:
    found = room.control.read(BY_ID, (yield room.control.step(BY_ID, id=user_id)))
    if not found:
        raise SignInRequired
    before = User(*found[0])
    values = {name: wanted.get(name, getattr(before, name)) for name in FIELDS}
    if not (yield room.control.step(CHANGE, user=user_id, now=room.now(), **values)):
        raise SignInRequired
    changed = sorted(name for name in FIELDS if values[name] != getattr(before, name))
    if changed:
        yield from in_turn(room.journal.steps(Fact("profile.changed", user_id, details={"fields": changed})))
    return User(*room.control.read(BY_ID, (yield room.control.step(BY_ID, id=user_id)))[0])

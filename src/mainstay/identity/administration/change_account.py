"""Change what is kept of a user: names, address, and the app's fields, those too that the user does not write."""

from collections.abc import Generator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update

from mainstay.base.errors import Conflict, FieldError, Forbidden
from mainstay.identity.accounts.by_mail.letter_token import void_tokens
from mainstay.identity.accounts.by_mail.write_letter import write_letter
from mainstay.identity.accounts.change_profile import FIELDS
from mainstay.identity.accounts.find_user import BY_ID
from mainstay.identity.accounts.user import User
from mainstay.identity.administration.guards import within_reach
from mainstay.identity.administration.standing import Administrator
from mainstay.identity.email_address import require_address
from mainstay.identity.errors import EmailTaken, UsernameTaken
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.sessions.end_acting import end_acting, ended
from mainstay.identity.sessions.end_session import END_ALL
from mainstay.identity.tables import users as t
from mainstay.identity.username import require_username
from mainstay.storage import errors
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows

RENAME = (
    update(t)
    .where(t.c.id == bindparam("user"))
    .values({name: bindparam(name) for name in FIELDS} | {"updated_at": bindparam("now")})
)
MOVE = (
    update(t)
    .where(t.c.id == bindparam("user"))
    .values(email=bindparam("address"), email_verified_at=bindparam("now"), updated_at=bindparam("now"))
)


async def change_account(
    room: Room,
    by: Administrator,
    user: UUID,
    names: Mapping[str, str | None],
    profile: Mapping[str, Any],
    email: str | None = None,
) -> None:
    """Change some of `username`, `display_name`, `language` (None takes one away), the app's fields, and the address.

    Another address is the operators' to give: it opens the account to whoever reads what is sent there. It counts as
    confirmed, every session ends, letters under way are good for nothing, and the old address is told.

    Raises Invalid; Conflict, EmailTaken or UsernameTaken for a value that is somebody else's; NotFound for somebody not
    theirs to see; Forbidden for an account that belongs to other tenants too, or holds more than the administrator.
    """
    wanted = dict(names)
    if wanted.get("username") is not None:
        wanted["username"] = require_username(str(wanted["username"]))
    address = None if email is None else _address(by, user, email)
    values = room.fields.accept(profile, room.fields.all, "profile")
    ended(room, await room.control.write(_script(room, by, user, wanted, values, address)))


def _address(by: Administrator, user: UUID, email: str) -> str:
    if not by.operates:
        message = "Only its owner or an operator gives an account another address."
        raise Forbidden(message, code="email_refused", errors=[FieldError(("body", "email"), "refused", message)])
    if user == by.user_id:
        raise Conflict("Change your own address at /auth/email, with your password.", code="own_account")
    return require_address(email)


def _script(
    room: Room,
    by: Administrator,
    user: UUID,
    names: Mapping[str, str | None],
    profile: Mapping[str, Any],
    address: str | None,
) -> Generator[Step, Rows, list[UUID]]:
    yield from within_reach(room, by, user)
    before = User(*room.control.read(BY_ID, (yield room.control.step(BY_ID, id=user)))[0])
    with room.fields.clashes():
        yield from room.fields.steps(room.control, user, profile)
    changed = sorted(name for name in FIELDS if names.get(name, getattr(before, name)) != getattr(before, name))
    if changed:
        values = {name: names.get(name, getattr(before, name)) for name in FIELDS}
        try:
            yield room.control.step(RENAME, user=user, now=room.now(), **values)
        except errors.UniqueClash:
            raise UsernameTaken from None
    if told := sorted({*changed, *profile}):
        yield from in_turn(room.journal.steps(Fact("profile.changed", user, by.tenant_id, details={"fields": told})))
    if address is None or address == before.email:
        return []
    return (yield from _move(room, by, before, address))


def _move(room: Room, by: Administrator, user: User, address: str) -> Generator[Step, Rows, list[UUID]]:
    now = room.now()
    try:
        yield room.control.step(MOVE, user=user.id, address=address, now=now)
    except errors.UniqueClash:
        raise EmailTaken from None
    yield void_tokens(room, user.id)
    yield room.control.step(END_ALL, user=user.id, now=now, reason="email_changed")
    acted = yield from end_acting(room, user.id, now)
    yield from in_turn(room.revocations.steps(user.id))
    told = {"new_email": address, "name": user.display_name}
    yield from in_turn(write_letter(room, "email-changed", user.email, told, user.language, user.id))
    yield from in_turn(room.letters.belong(user.email, user.id))
    yield from in_turn(room.journal.steps(Fact("email.changed", user.id, by.tenant_id, details={"email": address})))
    return [user.id, *acted]

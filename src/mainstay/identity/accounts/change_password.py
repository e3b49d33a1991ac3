"""Another password, for a user who knows the present one."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update

from mainstay.base.errors import NotFound
from mainstay.identity.accounts.by_mail.letter_token import void_tokens
from mainstay.identity.accounts.by_mail.write_letter import write_letter
from mainstay.identity.accounts.find_user import get_user
from mainstay.identity.accounts.user import User
from mainstay.identity.credentials.change_password import set_hash
from mainstay.identity.events import Fact
from mainstay.identity.room import Room
from mainstay.identity.sessions.end_acting import end_acting, ended
from mainstay.identity.sessions.prove_password import prove_own_password
from mainstay.identity.tables import sessions
from mainstay.storage.control import in_turn

END_OTHERS = (
    update(sessions)
    .where(
        sessions.c.user_id == bindparam("user"),
        sessions.c.id != bindparam("session"),
        sessions.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("now"), end_reason=bindparam("reason"))
)


async def change_password(
    room: Room, user_id: UUID, session_id: UUID, current: str, new: str, client_address: str | None
) -> None:
    """Every other session ends, and a letter says so.

    Raises WrongPassword, Invalid or PasswordRefused (`new_password`), TooManyRequests, Unavailable.
    """
    proven = await prove_own_password(room, user_id, current, client_address)
    user = await get_user(room, user_id)
    if user is None:
        raise NotFound("There is no such user.")
    known = (user.email, user.username, user.display_name)
    async with room.hashing.turn() as turn:
        await turn.work(lambda: room.passwords.check(new, known, "new_password"))
        secret = await turn.hash(new)
    acted = await room.control.write(_change(room, user, session_id, secret, proven.steps))
    ended(room, [user_id, *acted])


def _change(room: Room, user: User, session_id: UUID, secret: str, proven: Any) -> Any:
    now = room.now()
    yield from in_turn(proven)
    yield set_hash(room.control, user.id, secret, now)
    yield void_tokens(room, user.id)
    yield room.control.step(END_OTHERS, user=user.id, session=session_id, now=now, reason="password_changed")
    acted = yield from end_acting(room, user.id, now)
    yield from in_turn(room.revocations.steps(user.id))
    yield from in_turn(write_letter(room, "password-changed", user.email, {"name": user.display_name}, user.language))
    yield from in_turn(room.journal.steps(Fact("password.changed", user.id, session_id=session_id)))
    return acted

"""Delete an account: announced, called off by signing in, done when the grace is over."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update

from mainstay.base.errors import NotFound
from mainstay.identity.accounts.by_mail.letter_token import void_tokens
from mainstay.identity.accounts.by_mail.write_letter import write_letter
from mainstay.identity.events import Fact
from mainstay.identity.leaders.another_leader import hold_account, require_others
from mainstay.identity.room import Room
from mainstay.identity.sessions.end_acting import end_acting, ended
from mainstay.identity.sessions.end_session import END_ALL
from mainstay.identity.sessions.prove_password import prove_own_password
from mainstay.identity.tables import users as t
from mainstay.storage.control import in_turn

SCHEDULE = (
    update(t)
    .where(t.c.id == bindparam("user"))
    .values(deletion_at=bindparam("at"), updated_at=bindparam("now"))
    .returning(t.c.email, t.c.display_name, t.c.language)
)
SHUT = (
    update(t)
    .where(t.c.id == bindparam("user"))
    .values(active=bindparam("active"), deletion_at=bindparam("now"), updated_at=bindparam("now"))
    .returning(t.c.id)
)
DUE = select(t.c.id).where(t.c.deletion_at <= bindparam("now")).order_by(t.c.deletion_at).limit(bindparam("limit"))
# From here on nobody can sign in and call it off. Of several processes that sweep at once each may do it.
CLOSE = (
    update(t)
    .where(t.c.id == bindparam("user"), t.c.deletion_at <= bindparam("now"))
    .values(active=bindparam("active"))
    .returning(t.c.email, t.c.language)
)


async def delete_own_account(room: Room, user_id: UUID, password: str, client_address: str | None) -> datetime:
    """When the account will be erased. Raises WrongPassword, TooManyRequests, Unavailable; Conflict as below."""
    await prove_own_password(room, user_id, password, client_address)
    return await schedule_deletion(room, user_id)


async def schedule_deletion(room: Room, user_id: UUID) -> datetime:
    """Announce it by letter and end every session; answers when the account will be erased.

    Raises NotFound; Conflict for the last administrator of a tenant, and the last operator of the system.
    """
    at = room.now() + timedelta(days=room.options.accounts.grace_days)
    ended(room, [user_id, *await room.control.write(_schedule(room, user_id, at))])
    return at


async def due_users(room: Room, limit: int = 100) -> list[UUID]:
    """Whose grace is over."""
    return [row[0] for row in await room.control.fetch(DUE, now=room.now(), limit=limit)]


async def close_account(room: Room, user_id: UUID) -> bool:
    """Shut an account whose grace is over, for good; False where its user came back in the last moment."""
    return bool(await room.control.write(_close(room, user_id)))


async def close_now(room: Room, user_id: UUID) -> None:
    """Shut an account for good, without a time of grace: the next sweep erases what is left.

    Raises NotFound, and Conflict as `schedule_deletion` does.
    """
    ended(room, [user_id, *await room.control.write(_close_now(room, user_id))])


def _close_now(room: Room, user_id: UUID) -> Any:
    now = room.now()
    yield from require_others(room, user_id, (yield from hold_account(room, user_id)))
    if not (yield room.control.step(SHUT, user=user_id, now=now, active=False)):
        raise NotFound("There is no such user.")
    yield void_tokens(room, user_id)
    yield room.control.step(END_ALL, user=user_id, now=now, reason="account_deleted")
    acted = yield from end_acting(room, user_id, now)
    yield from in_turn(room.revocations.steps(user_id))
    yield from in_turn(room.journal.steps(Fact("account.deleted", user_id)))
    return acted


def _schedule(room: Room, user_id: UUID, at: datetime) -> Any:
    now = room.now()
    yield from require_others(room, user_id, (yield from hold_account(room, user_id)))
    rows = yield room.control.step(SCHEDULE, user=user_id, at=at, now=now)
    if not rows:
        raise NotFound("There is no such user.")
    email, name, language = room.control.read(SCHEDULE, rows)[0]
    yield void_tokens(room, user_id)
    yield room.control.step(END_ALL, user=user_id, now=now, reason="account_deleted")
    acted = yield from end_acting(room, user_id, now)
    yield from in_turn(room.revocations.steps(user_id))
    told = {"until": f"{at:%Y-%m-%d}", "name": name, "link": f"{room.options.accounts.links.rstrip('/')}/sign-in"}
    yield from in_turn(write_letter(room, "account-deleted", email, told, language))
    yield from in_turn(room.journal.steps(Fact("account.deletion_scheduled", user_id, details={"at": at.isoformat()})))
    return acted


def _close(room: Room, user_id: UUID) -> Any:
    rows = yield room.control.step(CLOSE, user=user_id, now=room.now(), active=False)
    if not rows:
        return False
    email, language = room.control.read(CLOSE, rows)[0]
    yield from in_turn(write_letter(room, "account-deleted", email, {}, language))
    yield from in_turn(room.journal.steps(Fact("account.deleted", user_id)))
    return True

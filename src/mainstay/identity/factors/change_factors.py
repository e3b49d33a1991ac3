"""List, rename and remove factors, and make new recovery codes; never the last way in."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, update

from mainstay.base.errors import NotFound
from mainstay.identity.authenticators.errors import LastWayIn, NoFactor
from mainstay.identity.authenticators.held import held_by, held_steps
from mainstay.identity.authenticators.recovery_codes import drop_codes, new_codes, replace_codes
from mainstay.identity.authenticators.tables import passkeys, totp
from mainstay.identity.authenticators.ticket import void_tickets
from mainstay.identity.events import Fact
from mainstay.identity.factors import tell
from mainstay.identity.factors.desk import APP, Desk
from mainstay.identity.factors.register_passkey import HOLD
from mainstay.identity.factors.require_fresh import require_fresh
from mainstay.identity.federation.tables import identities
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.tables import credentials, sessions
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows

_mine = (passkeys.c.id == bindparam("passkey"), passkeys.c.user_id == bindparam("user"))
LIST = (
    select(
        passkeys.c.id,
        passkeys.c.name,
        passkeys.c.synced,
        passkeys.c.transports,
        passkeys.c.created_at,
        passkeys.c.last_used_at,
    )
    .where(passkeys.c.user_id == bindparam("user"))
    .order_by(passkeys.c.created_at, passkeys.c.id)
)
RENAME = update(passkeys).where(*_mine).values(name=bindparam("name_")).returning(passkeys.c.id)
REMOVE = delete(passkeys).where(*_mine).returning(passkeys.c.name)
REMOVE_APP = (
    delete(totp).where(totp.c.user_id == bindparam("user"), totp.c.confirmed_at.is_not(None)).returning(totp.c.user_id)
)
WAYS_IN = select(
    select(func.count())
    .select_from(credentials)
    .where(credentials.c.user_id == bindparam("user"), credentials.c.kind == "password")
    .scalar_subquery()
    + select(func.count()).select_from(identities).where(identities.c.user_id == bindparam("user")).scalar_subquery()
)
OPEN = select(sessions.c.id, sessions.c.methods).where(
    sessions.c.user_id == bindparam("user"), sessions.c.ended_at.is_(None), sessions.c.expires_at > bindparam("now")
)
WEAKEN = update(sessions).where(sessions.c.id == bindparam("session")).values(methods=bindparam("methods_"))
SHOWN = frozenset({"mfa", "otp", "hwk", "swk", "user", "recovery"})


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey, as its owner sees it. `synced`: it may be on several of their devices."""

    id: UUID
    name: str
    synced: bool
    transports: list[str]
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Factors:
    """What an account has. `app_since`: when the authenticator app was added, if there is one."""

    app_since: datetime | None
    passkeys: list[Passkey]
    codes_left: int


async def list_factors(desk: Desk, user_id: UUID) -> Factors:
    room = desk.room
    apps = await room.control.fetch(APP, user=user_id)
    keys = [Passkey(*row) for row in await room.control.fetch(LIST, user=user_id)]
    return Factors(apps[0][3] if apps else None, keys, (await held_by(room, user_id)).codes_left)


async def renew_codes(desk: Desk, user_id: UUID, session_id: UUID) -> list[str]:
    """New recovery codes; those before are good for nothing. Raises StepUpRequired, NoFactor."""
    room = desk.room
    held = await require_fresh(desk, user_id, session_id, always=True, scope="profile:write")
    if not held.any:
        raise NoFactor
    codes = new_codes(desk.options.recovery_codes)

    def script() -> Any:
        yield from in_turn(replace_codes(room, user_id, codes))
        yield from in_turn(room.journal.steps(Fact("recovery_codes.renewed", user_id)))

    await room.control.write(script())
    return codes


async def rename_passkey(desk: Desk, user_id: UUID, passkey: UUID, name: str) -> None:
    """Raises NotFound."""

    def script() -> Any:
        if not (yield desk.room.control.step(RENAME, passkey=passkey, user=user_id, name_=name)):
            raise NotFound("You have no such passkey.")
        yield from in_turn(desk.room.journal.steps(Fact("passkey.renamed", user_id, details={"name": name})))

    await desk.room.control.write(script())


async def remove_app(desk: Desk, user_id: UUID, session_id: UUID) -> None:
    """Raises StepUpRequired, NotFound."""
    await require_fresh(desk, user_id, session_id, always=True, scope="profile:write")
    user, room = await desk.user(user_id), desk.room

    def script() -> Any:
        yield room.control.step(HOLD, user=user_id)
        if not (yield room.control.step(REMOVE_APP, user=user_id)):
            raise NotFound("You have no authenticator app.")
        yield from in_turn(tell.tell(room, "factor-removed", "factor.removed", user, tell.APP))
        yield from after_removal(room, user_id)

    await room.control.write(script())
    room.revocations.applied(user_id)


async def remove_passkey(desk: Desk, user_id: UUID, session_id: UUID, passkey: UUID) -> None:
    """Raises StepUpRequired, NotFound, LastWayIn."""
    await require_fresh(desk, user_id, session_id, always=True, scope="profile:write")
    user, room = await desk.user(user_id), desk.room

    def script() -> Any:
        yield room.control.step(HOLD, user=user_id)
        removed = room.control.read(REMOVE, (yield room.control.step(REMOVE, passkey=passkey, user=user_id)))
        if not removed:
            raise NotFound("You have no such passkey.")
        held = yield from held_steps(room, user_id)
        others = room.control.read(WAYS_IN, (yield room.control.step(WAYS_IN, user=user_id)))
        if not held.passkeys and not others[0][0]:
            raise LastWayIn
        told = tell.passkey_named(removed[0][0])
        yield from in_turn(tell.tell(room, "factor-removed", "factor.removed", user, told))
        yield from after_removal(room, user_id)

    await room.control.write(script())
    room.revocations.applied(user_id)


def after_removal(room: Room, user_id: UUID) -> Generator[Step, Rows, None]:
    """What was begun is void. With the last factor its recovery codes go, and what sessions have shown of it."""
    yield void_tickets(room, user_id)
    held = yield from held_steps(room, user_id)
    if held.any:
        return
    yield drop_codes(room, user_id)
    rows = room.control.read(OPEN, (yield room.control.step(OPEN, user=user_id, now=room.now())))
    for session, methods in rows:
        if SHOWN & set(methods):
            yield room.control.step(WEAKEN, session=session, methods_=sorted(set(methods) - SHOWN))
    yield from in_turn(room.revocations.steps(user_id))

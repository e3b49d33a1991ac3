"""Add an authenticator app: a secret to be scanned, then a code of it, to show that it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update
from sqlalchemy.dialects import postgresql, sqlite

from mainstay.identity.authenticators.engine import engine
from mainstay.identity.authenticators.errors import FactorThere, wrong_code
from mainstay.identity.authenticators.held import held_steps
from mainstay.identity.authenticators.recovery_codes import new_codes, replace_codes
from mainstay.identity.authenticators.tables import totp
from mainstay.identity.events import Fact
from mainstay.identity.factors import tell
from mainstay.identity.factors.desk import APP, Desk
from mainstay.identity.factors.prove_factor import step_now
from mainstay.identity.factors.require_fresh import require_fresh
from mainstay.identity.sessions.second_step import STRONG
from mainstay.identity.sessions.start_session import strengthen_session
from mainstay.storage.control import in_turn

CONFIRM = (
    update(totp)
    .where(
        totp.c.user_id == bindparam("user"),
        totp.c.sealed == bindparam("sealed_"),
        totp.c.confirmed_at.is_(None),
    )
    .values(confirmed_at=bindparam("now"), last_step=bindparam("step"))
    .returning(totp.c.user_id)
)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an app scans, or what is typed into it. Shown once."""

    secret: str
    uri: str
    svg: str
    png: str

    def __repr__(self) -> str:
        return "Enrolment(…)"


async def begin_app(desk: Desk, user_id: UUID, session_id: UUID) -> Enrolment:
    """It counts once a code of it was shown. Begun again, the one before is void.

    Raises StepUpRequired for who has not proved lately who they are; FactorThere.
    """
    await require_fresh(desk, user_id, session_id, always=True, scope="profile:write")
    user, app = await desk.user(user_id), engine("totp")
    secret = app.new_secret()
    add = _begin(desk.room.control.dialect.name)

    def script() -> Any:
        sealed = desk.close(user_id, secret)
        step = desk.room.control.step(
            add, user_id=user_id, sealed=sealed, last_step=0, created_at=desk.room.now(), confirmed_at=None
        )
        if not (yield step):
            raise FactorThere

    await desk.room.control.write(script())
    uri = app.uri(secret, desk.options.title, user.email)
    return Enrolment(secret, uri, app.svg(uri), app.png(uri))


async def confirm_app(
    desk: Desk, user_id: UUID, session_id: UUID, code: str, client_address: str | None
) -> list[str] | None:
    """The recovery codes, where there were none. The session has shown a second factor with this.

    Raises FactorRefused for a wrong code, and where nothing was begun lately; TooManyRequests.
    """
    room = desk.room
    await require_fresh(desk, user_id, session_id, always=True, scope="profile:write")
    counted = await room.throttle.admit("proof", f"factor:{user_id}", client_address, own=True)
    rows = await room.control.fetch(APP, user=user_id)
    begun = room.now() - timedelta(seconds=desk.options.enrol_seconds)
    if not rows or rows[0][3] is not None or rows[0][2] < begun:
        raise wrong_code("code")
    sealed = rows[0][0]
    step = step_now(desk, user_id, sealed, code, 0)
    if step is None:
        await room.journal.tell(Fact("factor.refused", user_id, details={"code": "enrolment"}))
        raise wrong_code("code")
    user = await desk.user(user_id)

    def script() -> Any:
        confirm = room.control.step(CONFIRM, user=user_id, sealed_=sealed, now=room.now(), step=step)
        if not (yield confirm):
            raise wrong_code("code")
        yield from in_turn(room.throttle.right(counted))
        yield from in_turn(tell.tell(room, "factor-added", "factor.added", user, tell.APP))
        return (yield from first_codes(desk, user_id))

    codes: list[str] | None = await room.control.write(script())
    await strengthen_session(room, session_id, ("otp", STRONG))
    return codes


def first_codes(desk: Desk, user_id: UUID) -> Any:
    """The part of a script that gives recovery codes to whoever has none left."""
    held = yield from held_steps(desk.room, user_id)
    if held.codes_left:
        return None
    codes: Sequence[str] = new_codes(desk.options.recovery_codes)
    yield from in_turn(replace_codes(desk.room, user_id, codes))
    return codes


@lru_cache(maxsize=2)
def _begin(dialect: str) -> Any:
    make: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    add = make(totp).values({c.name: bindparam(c.name) for c in totp.c})
    return add.on_conflict_do_update(
        index_elements=["user_id"],
        set_={name: add.excluded[name] for name in ("sealed", "last_step", "created_at")},
        where=totp.c.confirmed_at.is_(None),
    ).returning(totp.c.user_id)

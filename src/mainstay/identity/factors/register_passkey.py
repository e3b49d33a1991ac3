"""Add a passkey: a challenge of this session, and the new key that an authenticator made for it."""

import secrets
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select, update

from mainstay.base.ids import uuid7
from mainstay.identity.authenticators.engine import engine
from mainstay.identity.authenticators.errors import (
    PasskeyRefused,
    PasskeyThere,
    TicketRefused,
    TooManyPasskeys,
)
from mainstay.identity.authenticators.tables import passkeys as t
from mainstay.identity.authenticators.ticket import Purpose, add_ticket, new_secret, spend_ticket
from mainstay.identity.events import Fact
from mainstay.identity.factors import tell
from mainstay.identity.factors.desk import Desk
from mainstay.identity.factors.enrol_app import first_codes
from mainstay.identity.factors.prove_factor import challenge_bytes
from mainstay.identity.factors.require_fresh import require_fresh
from mainstay.identity.factors.step_up import own_ticket
from mainstay.identity.sessions.second_step import STRONG
from mainstay.identity.sessions.start_session import strengthen_session
from mainstay.identity.tables import users
from mainstay.storage import errors
from mainstay.storage.control import in_turn

ADD = insert(t).values({c.name: bindparam(c.name) for c in t.c})
COUNT = select(func.count()).select_from(t).where(t.c.user_id == bindparam("user"))
# Two that come at once would each count one too few.
HOLD = update(users).where(users.c.id == bindparam("user")).values(updated_at=users.c.updated_at)


async def begin_passkey(desk: Desk, user_id: UUID, session_id: UUID) -> tuple[str, dict[str, Any]]:
    """A ticket of this session, and what `navigator.credentials.create` takes.

    Raises StepUpRequired for who has not proved lately who they are; TooManyPasskeys.
    """
    await require_fresh(desk, user_id, session_id, always=True, scope="profile:write")
    user, known = await desk.user(user_id), await desk.known(user_id)
    if len(known) >= desk.options.passkeys_most:
        raise TooManyPasskeys
    challenge, ticket = secrets.token_bytes(32), new_secret()
    # The handle is the account's id, which says nothing of its user (WebAuthn §14.6.1).
    options: dict[str, Any] = engine("passkeys").registration(
        desk.options, challenge, user_id.bytes, user.email, user.display_name or user.email, known
    )

    def script() -> Any:
        yield from in_turn(
            add_ticket(
                desk.room, Purpose.register, ticket, user_id=user_id, session_id=session_id, challenge=challenge.hex()
            )
        )

    await desk.room.control.write(script())
    return ticket, options


async def add_passkey(
    desk: Desk, user_id: UUID, session_id: UUID, ticket: str, name: str, credential: dict[str, Any]
) -> tuple[UUID, list[str] | None]:
    """The passkey's id, and recovery codes, where there were none.

    Raises TicketRefused, PasskeyRefused, PasskeyThere, TooManyPasskeys.
    """
    room = desk.room
    await require_fresh(desk, user_id, session_id, always=True, scope="profile:write")
    found = await own_ticket(desk, Purpose.register, ticket, user_id, session_id)
    await _spend(desk, found)
    try:
        made = engine("passkeys").verify_registration(desk.options, challenge_bytes(found.challenge or ""), credential)
    except PasskeyRefused as refused:
        await room.journal.tell(Fact("factor.refused", user_id, details={"code": refused.problem_code}))
        raise
    user, identifier = await desk.user(user_id), uuid7()

    def script() -> Any:
        yield room.control.step(HOLD, user=user_id)
        if room.control.read(COUNT, (yield room.control.step(COUNT, user=user_id)))[0][0] >= desk.options.passkeys_most:
            raise TooManyPasskeys
        yield room.control.step(
            ADD,
            id=identifier,
            user_id=user_id,
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            name=name,
            transports=made.transports,
            aaguid=made.aaguid,
            synced=made.synced,
            created_at=room.now(),
            last_used_at=None,
        )
        yield from in_turn(tell.tell(room, "factor-added", "factor.added", user, tell.passkey_named(name)))
        return (yield from first_codes(desk, user_id))

    try:
        codes: list[str] | None = await room.control.write(script())
    except errors.UniqueClash:
        raise PasskeyThere from None
    shown = ("swk" if made.synced else "hwk", *(("user",) if made.verified else ()), STRONG)
    await strengthen_session(room, session_id, shown)
    return identifier, codes


async def _spend(desk: Desk, found: Any) -> None:
    def script() -> Any:
        return (yield spend_ticket(desk.room, found))

    if not await desk.room.control.write(script()):
        raise TicketRefused

"""Finish a sign-in: the ticket of the first step and a second factor become a session."""

import secrets
from typing import Any

from sqlalchemy import bindparam, exists, select

from mainstay.identity.authenticators.engine import engine
from mainstay.identity.authenticators.errors import FactorRefused, NoFactor, TicketRefused
from mainstay.identity.authenticators.ticket import (
    Purpose,
    ask_ticket,
    forget_challenge,
    spend_ticket,
    try_ticket,
)
from mainstay.identity.errors import WrongCredentials
from mainstay.identity.events import Fact
from mainstay.identity.factors.desk import Desk
from mainstay.identity.factors.prove_factor import Shown, prove_factor
from mainstay.identity.sessions.prove_password import still_there
from mainstay.identity.sessions.second_step import STRONG
from mainstay.identity.sessions.session import Tokens
from mainstay.identity.sessions.start_session import start_session
from mainstay.identity.tables import credentials, users
from mainstay.identity.tokens.refresh_token import Kind

# A password that was changed since takes with it what was begun with the old one.
UNCHANGED = select(users.c.id).where(
    users.c.id == bindparam("user"),
    ~exists().where(
        credentials.c.user_id == bindparam("user"),
        credentials.c.kind == "password",
        credentials.c.updated_at > bindparam("since"),
    ),
)


async def ask_for_passkey(desk: Desk, ticket: str, kind: Kind) -> dict[str, Any]:
    """What `navigator.credentials.get` takes, for the second step. Raises TicketRefused, NoFactor."""
    challenge = secrets.token_bytes(32)
    found = await ask_ticket(desk.room, Purpose.sign_in, ticket, kind, challenge.hex())
    if found is None or found.user_id is None:
        raise TicketRefused
    known = await desk.known(found.user_id)
    if not known:
        raise NoFactor("This account has no passkey.")
    asked: dict[str, Any] = engine("passkeys").request(desk.options, challenge, known, desk.options.verification)
    return asked


async def finish_sign_in(
    desk: Desk, ticket: str, kind: Kind, shown: Shown, client_address: str | None, device: str | None = None
) -> Tokens:
    """Tokens of a session as the first step wanted it.

    Raises TicketRefused; FactorRefused or PasskeyRefused, after which the ticket is good for the attempts that are
    left; TooManyRequests; Forbidden for somebody who may not enter the tenant any more.
    """
    room = desk.room
    found = await try_ticket(room, Purpose.sign_in, ticket, kind)
    if found is None or found.user_id is None:
        await room.journal.tell(Fact("session.refused", details={"by": "ticket"}))
        raise TicketRefused
    if shown.passkey is not None and found.challenge is not None:
        await forget_challenge(room, found)
    named = room.devices.device_of(found.user_id, device)
    # Apart from its passwords: a right one begins those anew.
    named = None if named is None else f"factor:{named}"
    proof = await prove_factor(desk, found.user_id, shown, found.challenge, client_address, device=named)
    wishes = dict(found.wishes)
    first = wishes.pop("methods")
    unchanged = room.control.step(UNCHANGED, user=found.user_id, since=found.created_at)
    try:
        return await start_session(
            room,
            found.user_id,
            methods={*first, *proof.methods, STRONG},
            kind=found.kind,
            extra_steps=proof.steps,
            guards=(spend_ticket(room, found), unchanged, *proof.guards, still_there(room, found.user_id)),
            **wishes,
        )
    except WrongCredentials:
        # Used meanwhile, or the account was shut, or its password changed.
        await room.journal.tell(Fact("factor.refused", found.user_id, details={"code": "used"}))
        raise FactorRefused from None

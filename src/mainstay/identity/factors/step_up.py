"""Step up: prove once more who one is, in the session that one has (RFC 9470)."""

import secrets
from typing import Any
from uuid import UUID

from mainstay.identity.authenticators.engine import engine
from mainstay.identity.authenticators.errors import (
    FactorRefused,
    NoFactor,
    StepUpRequired,
    TicketRefused,
)
from mainstay.identity.authenticators.held import held_by
from mainstay.identity.authenticators.ticket import Purpose, Ticket, add_ticket, new_secret, spend_ticket, try_ticket
from mainstay.identity.factors.desk import Desk
from mainstay.identity.factors.prove_factor import Shown, prove_factor
from mainstay.identity.sessions.prove_password import prove_own_password
from mainstay.identity.sessions.second_step import STRONG
from mainstay.identity.sessions.session import Session
from mainstay.identity.sessions.start_session import strengthen_session
from mainstay.storage.control import in_turn


async def ask_to_step_up(desk: Desk, user_id: UUID, session_id: UUID) -> tuple[str, dict[str, Any]]:
    """A ticket of this session, and what `navigator.credentials.get` takes. Raises NoFactor."""
    known = await desk.known(user_id)
    if not known:
        raise NoFactor("This account has no passkey.")
    challenge, ticket = secrets.token_bytes(32), new_secret()
    asked: dict[str, Any] = engine("passkeys").request(desk.options, challenge, known, desk.options.verification)

    def script() -> Any:
        yield from in_turn(
            add_ticket(
                desk.room, Purpose.step_up, ticket, user_id=user_id, session_id=session_id, challenge=challenge.hex()
            )
        )

    await desk.room.control.write(script())
    return ticket, asked


async def step_up(
    desk: Desk,
    user_id: UUID,
    session_id: UUID,
    shown: Shown,
    *,
    password: str | None = None,
    ticket: str | None = None,
    client_address: str | None = None,
) -> Session:
    """The session, proved just now. An account with a second factor shows that one: its password alone proves nothing
    that whoever stole the session could not know.

    Raises StepUpRequired for a password where a factor is wanted; WrongPassword, FactorRefused, PasskeyRefused,
    TicketRefused, TooManyRequests.
    """
    if password is not None:
        if (await held_by(desk.room, user_id)).any:
            raise StepUpRequired(second_factor=True)
        proven = await prove_own_password(desk.room, user_id, password, client_address)
        await _run(desk, proven.steps, ())
        return await strengthen_session(desk.room, session_id, ("pwd",))
    guards: list[Any] = []
    challenge = None
    if shown.passkey is not None:
        found = await own_ticket(desk, Purpose.step_up, ticket, user_id, session_id)
        challenge = found.challenge
        guards.append(spend_ticket(desk.room, found))
    proof = await prove_factor(desk, user_id, shown, challenge, client_address, own=True)
    await _run(desk, proof.steps, (*guards, *proof.guards))
    return await strengthen_session(desk.room, session_id, (*proof.methods, STRONG))


async def own_ticket(desk: Desk, purpose: Purpose, ticket: str | None, user_id: UUID, session_id: UUID) -> Ticket:
    """One that this session began. Raises TicketRefused."""
    found = await try_ticket(desk.room, purpose, ticket or "")
    if found is None or found.user_id != user_id or found.session_id != session_id:
        raise TicketRefused
    return found


async def _run(desk: Desk, steps: Any, guards: Any) -> None:
    def script() -> Any:
        for guard in guards:
            if not (yield guard):
                raise FactorRefused
        yield from in_turn(steps)

    await desk.room.control.write(script())

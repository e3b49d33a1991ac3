"""Sign in with a passkey alone: no name, no password; the passkey says who it is."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from mainstay.identity.authenticators.engine import engine
from mainstay.identity.authenticators.errors import PasskeyRefused, TicketRefused
from mainstay.identity.authenticators.open_challenge import challenge_of, open_challenge
from mainstay.identity.authenticators.ticket import use_once, was_used
from mainstay.identity.errors import WrongCredentials
from mainstay.identity.events import Fact
from mainstay.identity.factors.desk import Desk
from mainstay.identity.factors.prove_factor import prove_passkey
from mainstay.identity.sessions.prove_password import arrived, still_there
from mainstay.identity.sessions.second_step import STRONG
from mainstay.identity.sessions.session import Tokens
from mainstay.identity.sessions.start_session import start_session
from mainstay.identity.tokens.refresh_token import Kind


async def ask_for_any_passkey(desk: Desk) -> tuple[str, dict[str, Any]]:
    """The requester's secret, and what `navigator.credentials.get` takes. The answer is the same for everybody."""
    ticket, challenge = open_challenge(desk.room)
    asked: dict[str, Any] = engine("passkeys").request(desk.options, challenge, (), "required")
    return ticket, asked


async def sign_in_with_passkey(
    desk: Desk,
    ticket: str,
    credential: dict[str, Any],
    *,
    scopes: Iterable[str] | None = None,
    tenant: str | None = None,
    user_agent: str | None = None,
    client_address: str | None = None,
    remember: bool = True,
    kind: Kind = "bearer",
) -> Tokens:
    """Tokens of a new session, for the requester's secret and the passkey's answer.

    Raises TicketRefused, PasskeyRefused, NotFound, Forbidden, ScopeRefused.
    """
    room = desk.room
    challenge = challenge_of(room, ticket)
    if challenge is None or await was_used(room, challenge):
        raise TicketRefused
    try:
        proof = await prove_passkey(desk, None, credential, challenge.hex(), verified=True)
    except PasskeyRefused:
        await room.journal.tell(Fact("session.refused", details={"by": "passkey"}))
        raise
    await _use(desk, challenge, proof.user_id)
    try:
        return await start_session(
            room,
            proof.user_id,
            # It has the key and asked for a PIN or a finger: two factors (NIST SP 800-63B §3.1.7).
            methods={*proof.methods, STRONG},
            tenant=tenant,
            scopes=scopes,
            user_agent=user_agent,
            address=client_address,
            remember=remember,
            kind=kind,
            extra_steps=arrived(room, proof.user_id, None, client_address),
            guards=(*proof.guards, still_there(room, proof.user_id)),
        )
    except WrongCredentials:
        raise PasskeyRefused("it was used meanwhile, or the account is shut") from None


async def _use(desk: Desk, challenge: bytes, user_id: UUID) -> None:
    """One right answer for one challenge. What is wrong is stored nowhere: it proves nothing, and teaches nothing."""
    sweep, use = use_once(desk.room, challenge, user_id)

    def script() -> Any:
        yield sweep
        return (yield use)

    if not await desk.room.control.write(script()):
        raise TicketRefused

"""Sign in with a passkey alone: no name, no password; the passkey says who it is."""

import secrets
from collections.abc import Iterable
from typing import Any

from mainstay.identity.authenticators.engine import engine
from mainstay.identity.authenticators.errors import PasskeyRefused, TicketRefused
from mainstay.identity.authenticators.ticket import Purpose, add_ticket, new_secret, spend_ticket, try_ticket
from mainstay.identity.errors import WrongCredentials
from mainstay.identity.events import Fact
from mainstay.identity.factors.desk import Desk
from mainstay.identity.factors.prove_factor import prove_passkey
from mainstay.identity.sessions.prove_password import arrived, still_there
from mainstay.identity.sessions.second_step import STRONG
from mainstay.identity.sessions.session import Tokens
from mainstay.identity.sessions.start_session import start_session
from mainstay.identity.tokens.refresh_token import Kind
from mainstay.storage.control import in_turn


async def ask_for_any_passkey(desk: Desk) -> tuple[str, dict[str, Any]]:
    """The requester's secret, and what `navigator.credentials.get` takes. The answer is the same for everybody."""
    challenge, ticket = secrets.token_bytes(32), new_secret()
    asked: dict[str, Any] = engine("passkeys").request(desk.options, challenge, (), "required")

    def script() -> Any:
        yield from in_turn(add_ticket(desk.room, Purpose.passkey, ticket, challenge=challenge.hex()))

    await desk.room.control.write(script())
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
    found = await try_ticket(room, Purpose.passkey, ticket)
    if found is None or found.challenge is None:
        raise TicketRefused
    try:
        await _spend(desk, found)
        proof = await prove_passkey(desk, None, credential, found.challenge, verified=True)
    except PasskeyRefused:
        await room.journal.tell(Fact("session.refused", details={"by": "passkey"}))
        raise
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


async def _spend(desk: Desk, found: Any) -> None:
    """One answer, right or wrong, for one challenge."""

    def script() -> Any:
        return (yield spend_ticket(desk.room, found))

    if not await desk.room.control.write(script()):
        raise TicketRefused

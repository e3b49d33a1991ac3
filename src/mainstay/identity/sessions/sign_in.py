"""Sign in with an e-mail address or a username, and a password: a new session and its first tokens."""

from collections.abc import Iterable

from mainstay.identity.room import Room
from mainstay.identity.sessions.prove_password import prove_password
from mainstay.identity.sessions.session import Tokens
from mainstay.identity.sessions.start_session import start_session
from mainstay.identity.tokens.refresh_token import Kind


async def sign_in(
    room: Room,
    login: str,
    password: str,
    *,
    scopes: Iterable[str] | None = None,
    tenant: str | None = None,
    user_agent: str | None = None,
    client_address: str | None = None,
    device: str | None = None,
    remember: bool = True,
    kind: Kind = "bearer",
) -> Tokens:
    """Tokens of a new session. `login` is the e-mail address or the username, `client_address` where it is tried from,
    `device` the tokens that the client has kept (`Identity.device_token`).

    Raises what `prove_password` raises; NotFound or Forbidden for a tenant the user may not enter; ScopeRefused when no
    scope asked for can be given.
    """
    proven = await prove_password(room, login, password, client_address, device)
    return await start_session(
        room,
        proven.user_id,
        methods=("pwd",),
        tenant=tenant,
        scopes=scopes,
        user_agent=user_agent,
        address=client_address,
        remember=remember,
        kind=kind,
        extra_steps=proven.steps,
        guards=proven.guards,
    )

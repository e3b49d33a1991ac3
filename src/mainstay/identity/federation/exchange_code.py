"""The code that a front end of another origin exchanges for tokens: good once, for a minute, for who began."""

import hmac
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert

from mainstay.identity.federation.desk import Desk
from mainstay.identity.federation.errors import PendingRefused
from mainstay.identity.federation.pending import challenge_of, digest, fresh
from mainstay.identity.federation.tables import codes
from mainstay.identity.sessions.prove_password import arrived, still_there
from mainstay.identity.sessions.session import Tokens
from mainstay.identity.sessions.start_session import start_session

ADD = insert(codes).values({c.name: bindparam(c.name) for c in codes.c})
SWEEP = delete(codes).where(codes.c.expires_at <= bindparam("now"))
# Taken whatever the verifier is: who guesses has one guess.
TAKE = (
    delete(codes)
    .where(codes.c.digest == bindparam("digest"))
    .returning(codes.c.user_id, codes.c.challenge, codes.c.expires_at)
)


async def new_code(desk: Desk, user_id: UUID, challenge: str) -> str:
    """A code for this user, for whoever holds the verifier of `challenge`."""
    code, now = fresh(), desk.room.now()

    def script() -> Any:
        yield desk.room.control.step(SWEEP, now=now)
        expires = now + timedelta(seconds=desk.options.code_seconds)
        yield desk.room.control.step(ADD, digest=digest(code), user_id=user_id, challenge=challenge, expires_at=expires)

    await desk.room.control.write(script())
    return code


async def exchange_code(desk: Desk, code: str, verifier: str, **wishes: Any) -> Tokens:
    """Tokens of a new session, as `wishes` (of `start_session`) say. Raises PendingRefused."""
    room = desk.room

    def script() -> Any:
        return room.control.read(TAKE, (yield room.control.step(TAKE, digest=digest(code))))

    taken: Any = await room.control.write(script())
    if not taken:
        raise PendingRefused
    user_id, challenge, expires_at = taken[0]
    if room.now() >= expires_at or not hmac.compare_digest(challenge, challenge_of(verifier)):
        raise PendingRefused
    return await start_session(
        room,
        user_id,
        methods=("federated",),
        extra_steps=arrived(room, user_id, None, wishes.get("address")),
        guards=(still_there(room, user_id),),
        **wishes,
    )

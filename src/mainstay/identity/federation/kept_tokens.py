"""The provider's own tokens, for calling its API in the user's name: sealed, and refreshed when they run out."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update

from mainstay.base.errors import NotFound
from mainstay.identity.federation.desk import Desk
from mainstay.identity.federation.options import Provider
from mainstay.identity.federation.tables import TOKENS_PREFIX
from mainstay.identity.federation.tables import identities as t
from mainstay.identity.federation.upstream.client_proof import ask_for_tokens

_MARGIN = timedelta(seconds=60)
FIND = (
    select(t.c.id, t.c.tokens)
    .where(t.c.user_id == bindparam("user"), t.c.provider == bindparam("provider"), t.c.tokens.is_not(None))
    .order_by(t.c.last_used_at.desc())
)
# Only where it is still what was read: of two that refresh at once the first is right.
REPLACE = (
    update(t)
    .where(t.c.id == bindparam("identity"), t.c.tokens == bindparam("was"))
    .values(tokens=bindparam("becomes"))
    .returning(t.c.id)
)
_turns: dict[UUID, asyncio.Lock] = {}


def sealed_tokens(desk: Desk, identity: UUID, told: dict[str, Any]) -> str:
    """What the token endpoint gave, sealed for this identity alone."""
    try:
        seconds = float(told.get("expires_in") or 0)
    except (TypeError, ValueError):
        seconds = 0.0
    kept = {
        "access_token": told["access_token"],
        "refresh_token": told.get("refresh_token"),
        # Without a lifetime it is taken to hold until it is refused: GitHub's do.
        "expires_at": desk.room.now().timestamp() + seconds if 0 < seconds < 1e9 else None,
    }
    return desk.tokens.close(json.dumps(kept).encode(), TOKENS_PREFIX + str(identity).encode())


async def upstream_token(desk: Desk, user_id: UUID, name: str) -> str:
    """An access token of this user at this provider, refreshed where it has run out.

    Raises NotFound where there is none, or none any more: the user signs in with the provider again.
    """
    provider = desk.provider(name)
    rows = await desk.room.control.fetch(FIND, user=user_id, provider=name)
    if not rows:
        raise NotFound(f"No tokens of {name} are kept for this user.")
    lock = _turns.setdefault(rows[0][0], asyncio.Lock())
    try:
        async with lock:
            return await _current(desk, provider, user_id)
    finally:
        if not lock.locked():
            _turns.pop(rows[0][0], None)


async def _current(desk: Desk, provider: Provider, user_id: UUID) -> str:
    for _ in range(2):
        rows = await desk.room.control.fetch(FIND, user=user_id, provider=provider.name)
        if not rows:
            break
        identity, sealed = rows[0]
        opened = desk.tokens.open(sealed, TOKENS_PREFIX + str(identity).encode())
        if opened is None:
            break
        kept = json.loads(opened)
        until = kept["expires_at"]
        if until is None or desk.room.now().timestamp() < until - _MARGIN.total_seconds():
            return str(kept["access_token"])
        if kept["refresh_token"] is None:
            break
        metadata = await desk.issuers.metadata(provider)
        form = {"grant_type": "refresh_token", "refresh_token": kept["refresh_token"]}
        told = await ask_for_tokens(desk.room.fetch, provider, metadata.token_url, form, desk.room.now())
        if told is None:
            # Another process may have been faster, and the token that it got be the one to use.
            continue
        becomes = sealed_tokens(desk, identity, {"refresh_token": kept["refresh_token"], **told})

        def script(identity: UUID = identity, was: str = sealed, becomes: str = becomes) -> Any:
            yield desk.room.control.step(REPLACE, identity=identity, was=was, becomes=becomes)

        await desk.room.control.write(script())
        return str(told["access_token"])
    raise NotFound(
        f"The tokens of {provider.name} that are kept for this user hold no more; they have to sign in again."
    )

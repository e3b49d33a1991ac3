"""The tokens of a session: what a sign-in, a refresh and a step-up answer with."""

from functools import lru_cache

from mainstay.base.errors import Forbidden
from mainstay.identity.room import Room
from mainstay.identity.sessions.session import Session, Tokens
from mainstay.identity.tokens.access_token import sign


async def tokens_for(room: Room, session: Session, family_token: str, number: int) -> Tokens:
    """A fresh access token of this session beside its family token of that number; none for a cookie session.

    Raises Forbidden for somebody who is no member of the session's tenant any more.
    """
    roles = room.remembered.recall_roles(session.user_id, session.tenant_id) or await _roles(room, session)
    granted = room.catalogue.scopes_of(roles)
    if session.scopes is not None:
        granted &= session.scopes
    scope = _spelt(granted)
    now = room.now()
    if session.kind == "cookie":
        lasts = max(0, int((session.expires_at - now).total_seconds()))
        return Tokens("", family_token, lasts, scope, session)
    token = sign(
        room.keys.newest,
        room.options,
        int(now.timestamp()),
        session.user_id,
        session.id,
        session.tenant_id,
        None if session.scopes is None else scope,
        auth_time=int(session.authenticated_at.timestamp()),
        amr=session.methods,
        impersonator=session.impersonator_id,
        generation=number,
    )
    return Tokens(token, family_token, room.options.access_seconds, scope, session)


@lru_cache(maxsize=1024)
def _spelt(scopes: frozenset[str]) -> str:
    return " ".join(sorted(scopes))


async def _roles(room: Room, session: Session) -> frozenset[str]:
    epoch = room.remembered.epoch
    roles = await room.memberships.roles_of(session.user_id, session.tenant_id)
    if roles is None:
        raise Forbidden("This account has no access here any more.", code="not_a_member")
    room.remembered.remember_roles(session.user_id, session.tenant_id, roles, epoch)
    return roles

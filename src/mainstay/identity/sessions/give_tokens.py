"""The tokens of a session: what a sign-in, a refresh and a step-up answer with."""

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from mainstay.base.errors import Forbidden
from mainstay.identity.room import Room
from mainstay.identity.sessions.session import Session, Tokens
from mainstay.identity.tokens.access_token import sign


class Holder(NamedTuple):
    """Whom an access token is for; ids may be in the form in which the database gave them."""

    session_id: UUID | str
    user_id: UUID | str
    tenant_id: UUID | str
    scopes: frozenset[str] | None
    methods: Collection[str]
    authenticated_at: datetime
    impersonator_id: UUID | None = None


async def tokens_for(room: Room, session: Session, family_token: str, number: int) -> Tokens:
    """A fresh access token of this session beside its family token of that number; none for a cookie session.

    Raises Forbidden for somebody who is no member of the session's tenant any more.
    """
    holder = Holder(
        session.id,
        session.user_id,
        session.tenant_id,
        session.scopes,
        session.methods,
        session.authenticated_at,
        session.impersonator_id,
    )
    now = room.now()
    roles = recalled_roles(room, holder) or await found_roles(room, holder)
    if session.kind == "cookie":
        lasts = max(0, int((session.expires_at - now).total_seconds()))
        return Tokens("", family_token, lasts, scope_of(room, holder, roles), session, "cookie")
    access, scope = access_token(room, holder, roles, now, number)
    return Tokens(access, family_token, room.options.access_seconds, scope, session)


def access_token(room: Room, holder: Holder, roles: frozenset[str], now: datetime, number: int) -> tuple[str, str]:
    """The access token that is given beside the family token of this number, and its scope."""
    scope = scope_of(room, holder, roles)
    token = sign(
        room.keys.newest,
        room.options,
        int(now.timestamp()),
        holder.user_id,
        holder.session_id,
        holder.tenant_id,
        None if holder.scopes is None else scope,
        auth_time=int(holder.authenticated_at.timestamp()),
        amr=holder.methods,
        impersonator=holder.impersonator_id,
        generation=number,
    )
    return token, scope


def scope_of(room: Room, holder: Holder, roles: frozenset[str]) -> str:
    """What these roles give, of what the session asked for."""
    granted = room.catalogue.scopes_of(roles)
    return _spelt(granted if holder.scopes is None else granted & holder.scopes)


def recalled_roles(room: Room, holder: Holder) -> frozenset[str] | None:
    """The roles that this process knows them to hold; None where it has to ask."""
    return room.remembered.recall_roles(holder.user_id, holder.tenant_id)


async def found_roles(room: Room, holder: Holder) -> frozenset[str]:
    """The roles that they hold. Raises Forbidden for somebody who is no member any more."""
    epoch = room.remembered.epoch
    roles = await room.memberships.roles_of(UUID(str(holder.user_id)), UUID(str(holder.tenant_id)))
    if roles is None:
        raise Forbidden("This account has no access here any more.", code="not_a_member")
    room.remembered.remember_roles(holder.user_id, holder.tenant_id, roles, epoch)
    return roles


@lru_cache(maxsize=1024)
def _spelt(scopes: frozenset[str]) -> str:
    return " ".join(sorted(scopes))

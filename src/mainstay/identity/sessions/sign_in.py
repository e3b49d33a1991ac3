"""Sign in with an e-mail address and a password: a new session and its first tokens."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, select

from mainstay.base.errors import Forbidden
from mainstay.base.ids import uuid7
from mainstay.identity.credentials.change_password import replace_hash
from mainstay.identity.email_address import MAXIMUM, normalise
from mainstay.identity.errors import ScopeRefused, WrongCredentials
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.sessions.session import Session, Tokens
from mainstay.identity.tables import credentials, refresh_tokens, sessions, users
from mainstay.identity.tokens.access_token import sign
from mainstay.identity.tokens.refresh_token import digest
from mainstay.storage.control import in_turn

FIND_SECRET = (
    select(users.c.id, users.c.active, credentials.c.secret)
    .join(credentials, credentials.c.user_id == users.c.id)
    .where(users.c.email == bindparam("email"), credentials.c.kind == "password")
)
ADD_SESSION = insert(sessions).values(
    {c.name: bindparam(c.name) for c in sessions.c if c.name not in ("ended_at", "end_reason")}
)
ADD_REFRESH = insert(refresh_tokens).values({name: bindparam(name) for name in ("digest", "session_id", "issued_at")})
LONGEST_AGENT = 200


async def sign_in(
    room: Room,
    email: str,
    password: str,
    *,
    scopes: Iterable[str] | None = None,
    tenant: str | None = None,
    user_agent: str | None = None,
) -> Tokens:
    """Tokens of a new session. Raises WrongCredentials, with one text and after one length of time for a wrong
    password, an unknown address and a shut account; Unavailable when too many passwords are being checked;
    NotFound or Forbidden for a tenant the user may not enter; ScopeRefused when no scope asked for can be given.
    """
    address = normalise(email)
    # No database holds such an address, and PostgreSQL would not even look for one with NUL in it.
    known = len(address) <= MAXIMUM and address.isascii() and address.isprintable()
    rows = await room.control.fetch(FIND_SECRET, email=address if known else "")
    user_id, active, secret = rows[0] if rows else (None, False, None)
    match = await room.hashing.verify(secret, password)
    if user_id is None or secret is None or not match.right or not active:
        raise WrongCredentials
    extra: list[Step] = []
    if match.outdated:
        extra.append(replace_hash(room.control, user_id, secret, await room.hashing.hash(password), room.now()))
    session = await _session(room, user_id, scopes, tenant, user_agent)
    refresh = room.refresh_tokens.first()
    await room.control.write(_store(room, session, refresh, extra))
    return await tokens_for(room, session, refresh)


async def tokens_for(room: Room, session: Session, refresh_token: str) -> Tokens:
    """A fresh access token of this session beside the given refresh token."""
    roles = await room.memberships.roles_of(session.user_id, session.tenant_id)
    if roles is None:
        raise Forbidden("This account has no access here any more.", code="not_a_member")
    granted = room.catalogue.scopes_of(roles)
    if session.scopes is not None:
        granted &= session.scopes
    scope = " ".join(sorted(granted))
    token = sign(
        room.keys.newest,
        room.options,
        int(room.now().timestamp()),
        session.user_id,
        session.id,
        session.tenant_id,
        None if session.scopes is None else scope,
    )
    return Tokens(token, refresh_token, room.options.access_seconds, scope)


async def _session(
    room: Room, user_id: UUID, scopes: Iterable[str] | None, tenant: str | None, user_agent: str | None
) -> Session:
    home = await room.memberships.home_of(user_id, tenant)
    roles = await room.memberships.roles_of(user_id, home)
    if roles is None:
        raise Forbidden("This account has no access here.", code="not_a_member")
    granted: frozenset[str] | None = None
    if scopes is not None:
        wanted = frozenset(scopes)
        granted = wanted & room.catalogue.scopes_of(roles)
        if not granted:
            raise ScopeRefused(wanted)
    now = room.now()
    expires = now + timedelta(days=min(room.options.idle_days, room.options.limit_days))
    agent = None if user_agent is None else _printable(user_agent)[:LONGEST_AGENT]
    return Session(uuid7(), user_id, home, granted, agent, now, now, expires)


def _store(room: Room, session: Session, refresh: str, extra: Iterable[Step]) -> Any:
    yield room.control.step(
        ADD_SESSION,
        id=session.id,
        user_id=session.user_id,
        tenant_id=session.tenant_id,
        scopes=None if session.scopes is None else sorted(session.scopes),
        user_agent=session.user_agent,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        expires_at=session.expires_at,
    )
    yield room.control.step(ADD_REFRESH, digest=digest(refresh), session_id=session.id, issued_at=session.created_at)
    yield from in_turn(extra)


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())

"""Start a session for somebody who has proved who they are, however they did; and add a proof to one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update

from mainstay.base.errors import Forbidden, SignInRequired
from mainstay.base.ids import uuid7
from mainstay.identity.errors import ScopeRefused, WrongCredentials
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.sessions.give_tokens import tokens_for
from mainstay.identity.sessions.note_device import note_device
from mainstay.identity.sessions.second_step import asks_for_more, wait_for_more
from mainstay.identity.sessions.session import Session, Tokens, session_of
from mainstay.identity.tables import SESSION_COLUMNS, sessions
from mainstay.identity.tokens.family import Family
from mainstay.identity.tokens.refresh_token import Kind, fresh_salt
from mainstay.storage.control import in_turn

ADD_SESSION = insert(sessions).values(
    {c.name: bindparam(c.name) for c in sessions.c if c.name not in ("ended_at", "end_reason")}
)
FIND_OPEN = select(*SESSION_COLUMNS).where(sessions.c.id == bindparam("session"), sessions.c.ended_at.is_(None))
STRENGTHEN = (
    update(sessions)
    .where(sessions.c.id == bindparam("session"), sessions.c.ended_at.is_(None))
    .values(methods=bindparam("methods"), authenticated_at=bindparam("now"))
)
LONGEST_AGENT = 200


async def start_session(
    room: Room,
    user_id: UUID,
    *,
    methods: Iterable[str],
    tenant: str | None = None,
    scopes: Iterable[str] | None = None,
    user_agent: str | None = None,
    address: str | None = None,
    remember: bool = True,
    kind: Kind = "bearer",
    impersonator_id: UUID | None = None,
    lasts: timedelta | None = None,
    extra_steps: Sequence[Step] = (),
    guards: Sequence[Step] = (),
) -> Tokens:
    """Tokens of a new session. The caller has proved who it is by `methods` (RFC 8176 §2) just now.

    An account with a second factor gets none unless `mfa` is among them: SecondFactorRequired, whose ticket
    `factors.finish_sign_in` takes.

    `scopes` asks for fewer than the roles give; `remember` outlives the browser; `lasts` ends it at that age.
    `extra_steps` are run in the same transaction, first. `guards` run before them and answer a row each, or what was
    proved does not hold any more: WrongCredentials. Raises NotFound or Forbidden for a tenant the user may not enter,
    ScopeRefused when no scope asked for can be given.
    """
    home = await room.memberships.home_of(user_id, tenant)
    granted = await _granted(room, user_id, home, scopes)
    now = room.now()
    session = Session(
        id=uuid7(),
        user_id=user_id,
        tenant_id=home,
        scopes=granted,
        user_agent=None if user_agent is None else _printable(user_agent)[:LONGEST_AGENT],
        created_at=now,
        last_used_at=now,
        expires_at=expiry(room, now, now, remember) if lasts is None else now + lasts,
        methods=frozenset(methods),
        authenticated_at=now,
        impersonator_id=impersonator_id,
        remembered=remember,
        address=address,
        kind=kind,
    )
    salt = fresh_salt()
    waiting = await room.control.write_short(lambda: _store(room, session, salt, extra_steps, guards, scopes))
    if waiting is not None:
        raise waiting
    return await tokens_for(room, session, room.family_tokens.spell(kind, session.id.bytes, 0, salt), 0)


async def strengthen_session(room: Room, session_id: UUID, methods: Iterable[str]) -> Session:
    """Note that the user has just proved who they are once more, by these methods too: step-up (RFC 9470).

    Tokens of the session that are in use say so from their next request on. Raises SignInRequired for a session that
    has ended.
    """
    session: Session = await room.control.write(_strengthen(room, session_id, frozenset(methods)))
    room.revocations.applied(session.user_id, session.id)
    return session


def expiry(room: Room, created_at: datetime, now: datetime, remembered: bool) -> datetime:
    """When a session ends that is used now and never again."""
    options = room.options
    idle = timedelta(days=options.idle_days) if remembered else timedelta(minutes=options.unremembered_minutes)
    return min(now + idle, created_at + timedelta(days=options.limit_days))


def extended(room: Room, session: Session, now: datetime) -> datetime:
    """When it ends, now that it is used. One in which an administrator acts as somebody else gets no longer by use."""
    if session.impersonator_id is not None:
        return session.expires_at
    return expiry(room, session.created_at, now, session.remembered)


async def _granted(room: Room, user_id: UUID, tenant_id: UUID, scopes: Iterable[str] | None) -> frozenset[str] | None:
    roles = await room.memberships.roles_of(user_id, tenant_id)
    if roles is None:
        raise Forbidden("This account has no access here.", code="not_a_member")
    if scopes is None:
        return None
    wanted = frozenset(scopes)
    granted = wanted & room.catalogue.scopes_of(roles)
    if not granted:
        raise ScopeRefused(wanted)
    return granted


def _store(
    room: Room,
    session: Session,
    salt: str,
    extra: Sequence[Step],
    guards: Sequence[Step],
    scopes: Iterable[str] | None,
) -> Any:
    held = yield from asks_for_more(room, session)
    for guard in guards:
        if not (yield guard):
            raise WrongCredentials
    yield from in_turn(extra)
    if held is not None:
        return (yield from wait_for_more(room, session, held, scopes))
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
        methods=sorted(session.methods),
        authenticated_at=session.authenticated_at,
        impersonator_id=session.impersonator_id,
        remembered=session.remembered,
        address=session.address,
        kind=session.kind,
        salt=salt,
        turn=0,
        **Family().kept(),
    )
    yield from note_device(room, session)
    yield from in_turn(room.journal.steps(_fact("session.started", session)))
    return None


def _strengthen(room: Room, session_id: UUID, methods: frozenset[str]) -> Any:
    found = room.control.read(FIND_OPEN, (yield room.control.step(FIND_OPEN, session=session_id)))
    if not found:
        raise SignInRequired("This session has ended; sign in again.", error="invalid_token")
    now, session = room.now(), session_of(found[0])
    proved = session.methods | methods
    yield room.control.step(STRENGTHEN, session=session_id, methods=sorted(proved), now=now)
    # So that every process reads the row again.
    yield from in_turn(room.revocations.steps(session.user_id, session_id))
    stronger = replace(session, methods=proved, authenticated_at=now)
    yield from in_turn(room.journal.steps(_fact("session.strengthened", stronger)))
    return stronger


def _fact(name: str, session: Session) -> Fact:
    details: dict[str, Any] = {"methods": sorted(session.methods), "kind": session.kind}
    if session.impersonator_id is not None:
        details["impersonator_id"] = str(session.impersonator_id)
    return Fact(name, session.user_id, session.tenant_id, session.id, details)


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())

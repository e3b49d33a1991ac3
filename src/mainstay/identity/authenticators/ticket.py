"""Tickets: what was begun by somebody, and is finished by them alone, once, within minutes, in a few attempts.

Only digests are stored. A ticket of a page's sign-in is in a cookie that no script reads; a ticket in a body is a
secret of the program that showed the first proof.
"""

import hashlib
import secrets
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mainstay.identity.authenticators.tables import tickets as t
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.tokens.refresh_token import Kind
from mainstay.storage.statement import Rows
from mainstay.web.cookies import Cookie

PREFIX = "mft_"
COOKIE = "mainstay-second-step"
ADD = insert(t).values({c.name: bindparam(c.name) for c in t.c})
SWEEP = delete(t).where(t.c.expires_at <= bindparam("now"))
_open = (t.c.digest == bindparam("digest_"), t.c.purpose == bindparam("purpose_"), t.c.expires_at > bindparam("now"))
_shown = (t.c.digest, t.c.user_id, t.c.session_id, t.c.kind, t.c.wishes, t.c.challenge, t.c.created_at)
# Counted before anything is looked at, so that attempts that come at once are all counted.
TRY = (
    update(t)
    .where(*_open, t.c.kind == bindparam("kind_"), t.c.attempts < bindparam("most"))
    .values(attempts=t.c.attempts + 1)
    .returning(*_shown)
)
ASK = (
    update(t)
    .where(*_open, t.c.kind == bindparam("kind_"), t.c.attempts < bindparam("most"))
    .values(challenge=bindparam("challenge_"))
    .returning(*_shown)
)
# Of several who finish at once one gets the row.
SPEND = delete(t).where(t.c.digest == bindparam("digest_"), t.c.expires_at > bindparam("now")).returning(t.c.digest)
# The answer to a challenge was right: a row that says so until the challenge is too old, and that nobody can add again.
_unless_used: dict[str, Any] = {
    "postgresql": postgresql.insert(t).values({c.name: bindparam(c.name) for c in t.c}),
    "sqlite": sqlite.insert(t).values({c.name: bindparam(c.name) for c in t.c}),
}
USE = {name: add.on_conflict_do_nothing().returning(t.c.digest) for name, add in _unless_used.items()}
USED = select(t.c.digest).where(t.c.digest == bindparam("digest_"))
# A challenge is answered once, right or wrong.
UNASK = update(t).where(t.c.digest == bindparam("digest_")).values(challenge=None)
VOID = delete(t).where(t.c.user_id == bindparam("user"))


class Purpose(StrEnum):
    """What a ticket is good for, and for nothing else."""

    sign_in = "sign-in"  # the second step of one
    used = "used"  # nothing any more: a sign-in without a name
    register = "register"  # a new passkey
    step_up = "step-up"


@dataclass(frozen=True, slots=True)
class Ticket:
    """One that is open."""

    digest: str
    user_id: UUID | None
    session_id: UUID | None
    kind: Kind
    wishes: Mapping[str, Any]
    challenge: str | None
    created_at: datetime


def new_secret() -> str:
    """256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def ticket_cookie(room: Room) -> Cookie:
    """What a page's ticket is in."""
    return Cookie(COOKIE, secure=room.options.secure_cookies)


def add_ticket(
    room: Room,
    purpose: Purpose,
    secret: str,
    *,
    user_id: UUID | None = None,
    session_id: UUID | None = None,
    kind: Kind = "bearer",
    wishes: Mapping[str, Any] | None = None,
    challenge: str | None = None,
) -> list[Step]:
    """The steps that make it good, and sweep those that are not any more."""
    values = _values(room, purpose, secret, user_id) | {"session_id": session_id, "kind": kind, "challenge": challenge}
    return [room.control.step(SWEEP, now=room.now()), room.control.step(ADD, **values, wishes=dict(wishes or {}))]


async def was_used(room: Room, challenge: bytes) -> bool:
    """Whether somebody was right about this challenge, which is stored nowhere."""
    return bool(await room.control.fetch(USED, digest_=digest(challenge.hex())))


def use_once(room: Room, challenge: bytes, user_id: UUID) -> list[Step]:
    """The steps of whoever is right about it; the last answers a row once."""
    more: dict[str, Any] = {"session_id": None, "kind": "bearer", "challenge": None, "wishes": {}}
    use = room.control.step(
        USE[room.control.dialect.name], **_values(room, Purpose.used, challenge.hex(), user_id), **more
    )
    return [room.control.step(SWEEP, now=room.now()), use]


def _values(room: Room, purpose: Purpose, secret: str, user_id: UUID | None) -> dict[str, Any]:
    now = room.now()
    return {
        "digest": digest(secret),
        "purpose": str(purpose),
        "user_id": user_id,
        "attempts": 0,
        "created_at": now,
        "expires_at": now + timedelta(seconds=room.options.factors.ticket_seconds),
    }


async def try_ticket(room: Room, purpose: Purpose, secret: str, kind: Kind = "bearer") -> Ticket | None:
    """Count an attempt; None for a ticket that is unknown, of another purpose or kind, tried too often, or too old."""
    ticket: Ticket | None = await room.control.write(_take(room, TRY, purpose, secret, kind))
    return ticket


async def ask_ticket(room: Room, purpose: Purpose, secret: str, kind: Kind, challenge: str) -> Ticket | None:
    """Have the ticket wait for an answer to this challenge; None as above."""
    ticket: Ticket | None = await room.control.write(_take(room, ASK, purpose, secret, kind, challenge_=challenge))
    return ticket


async def forget_challenge(room: Room, ticket: Ticket) -> None:
    """After an answer that was wrong."""

    def script() -> Generator[Step, Rows, None]:
        yield room.control.step(UNASK, digest_=ticket.digest)

    await room.control.write(script(), single=True)


def spend_ticket(room: Room, ticket: Ticket) -> Step:
    """The guard that uses it up: it answers a row once."""
    return room.control.step(SPEND, digest_=ticket.digest, now=room.now())


def void_tickets(room: Room, user_id: UUID) -> Step:
    """The step after which nothing that the user began can be finished."""
    return room.control.step(VOID, user=user_id)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _take(room: Room, statement: Any, purpose: Purpose, secret: str, kind: Kind, **more: Any) -> Any:
    step = room.control.step(
        statement,
        digest_=digest(secret),
        purpose_=str(purpose),
        kind_=kind,
        now=room.now(),
        most=room.options.factors.attempts,
        **more,
    )
    rows = room.control.read(statement, (yield step))
    return Ticket(*rows[0]) if rows else None

"""Tokens that letters carry: random, good once, for one purpose, for a while; only their digests are stored."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update

from mainstay.identity.accounts.tables import account_tokens as t
from mainstay.identity.errors import LetterRefused
from mainstay.identity.ports import Step
from mainstay.identity.room import Room

PREFIX = "mlt_"
ADD = insert(t).values({c.name: bindparam(c.name) for c in t.c})
# Of several that come at once exactly one gets a row back.
SPEND = (
    update(t)
    .where(
        t.c.digest == bindparam("digest_"),
        t.c.kind == bindparam("kind_"),
        t.c.spent_at.is_(None),
        t.c.expires_at > bindparam("now"),
    )
    .values(spent_at=bindparam("now"))
    .returning(t.c.user_id, t.c.email, t.c.asked)
)
PEEK = select(t.c.user_id).where(
    t.c.digest == bindparam("digest_"),
    t.c.kind == bindparam("kind_"),
    t.c.spent_at.is_(None),
    t.c.expires_at > bindparam("now"),
)
VOID = update(t).where(t.c.user_id == bindparam("user"), t.c.spent_at.is_(None)).values(spent_at=bindparam("now"))


class Purpose(StrEnum):
    """What a token is good for. One of one purpose is refused for another."""

    sign_up = "sign-up"
    verify = "verify-email"
    reset = "reset-password"
    invite = "account-made"
    change = "change-email"
    sign_in = "sign-in"
    none = "none"


def new_token() -> str:
    """256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def add_token(
    room: Room,
    purpose: Purpose,
    token: str,
    *,
    email: str,
    user_id: UUID | None = None,
    asked: Mapping[str, Any] | None = None,
) -> Step:
    """The step that makes a token good."""
    return _add(room, purpose, digest(token), email=email, user_id=user_id, asked=asked)


def add_decoy(room: Room, token: str) -> Step:
    """The step that does as much for nobody: the row it leaves is good for nothing."""
    return _add(room, Purpose.none, digest(token))


def add_request(room: Room, request: str, *, user_id: UUID | None, email: str, code: str, token: str) -> Step:
    """The step that remembers who asked for a sign-in by mail, with the code and the token that were sent, if any."""
    asked = {"token": digest(token)}
    return _add(room, Purpose.sign_in, digest(request), user_id=user_id, email=email, code=code, asked=asked)


def spend(room: Room, purpose: Purpose, token: str) -> Any:
    """The part of a script that uses a token up: the user's id, the address, and what was asked for.

    Raises LetterRefused for one that is unknown, of another purpose, used, or too old.
    """
    rows = yield room.control.step(SPEND, digest_=digest(token), kind_=str(purpose), now=room.now())
    if not rows:
        raise LetterRefused
    return room.control.read(SPEND, rows)[0]


async def peek(room: Room, purpose: Purpose, token: str) -> UUID | None:
    """Whose token it is, without using it up. Raises LetterRefused."""
    rows = await room.control.fetch(PEEK, digest_=digest(token), kind_=str(purpose), now=room.now())
    if not rows:
        raise LetterRefused
    found: UUID | None = rows[0][0]
    return found


def void_tokens(room: Room, user_id: UUID) -> Step:
    """The step after which no letter that the user was sent is good for anything."""
    return room.control.step(VOID, user=user_id, now=room.now())


def link(room: Room, page: str, token: str | None) -> str:
    """Where a letter leads to."""
    query = "" if token is None else "?" + urlencode({"token": token})
    return f"{room.options.accounts.links.rstrip('/')}/{page}{query}"


def _add(room: Room, purpose: Purpose, digested: str, **more: Any) -> Step:
    accounts, now = room.options.accounts, room.now()
    seconds = {
        Purpose.reset: accounts.reset_minutes * 60,
        Purpose.invite: accounts.invite_hours * 3600,
        Purpose.sign_in: accounts.code_minutes * 60,
        Purpose.none: 60,
    }.get(purpose, accounts.verify_hours * 3600)
    values = {
        "user_id": None,
        "email": None,
        "asked": None,
        "code": None,
        "attempts": 0,
        "created_at": now,
        "expires_at": now + timedelta(seconds=seconds),
        "spent_at": None,
    }
    return room.control.step(ADD, digest=digested, kind=str(purpose), **(values | more))

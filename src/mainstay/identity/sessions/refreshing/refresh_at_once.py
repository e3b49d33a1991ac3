"""The usual refresh: one statement that finds the session, checks the token and moves the family on.

It holds back from whatever is out of the ordinary, and then has changed nothing: `refresh` looks more closely.
"""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import bindparam, case, exists, false, func, literal_column, update

from mainstay.identity.room import Room
from mainstay.identity.sessions.give_tokens import Holder, access_token, found_roles, recalled_roles
from mainstay.identity.sessions.session import Session, Tokens
from mainstay.identity.tables import sessions as t
from mainstay.identity.tables import users
from mainstay.identity.tokens.family import ENTRY, MOST_PAST, entry
from mainstay.identity.tokens.refresh_token import HALF, Shown
from mainstay.storage.control import Step
from mainstay.storage.sql import quoted, sha256_hex
from mainstay.storage.statement import Raw, Rows
from mainstay.storage.types import UtcDateTime

# The end of a session is indexed, which makes it dear to write: it is moved when it has fallen behind by a hundredth.
BEHIND = 100
_MOMENT = {name: UtcDateTime().to_raw(name) for name in ("sqlite", "postgresql")}


def _number(value: int) -> Any:
    # Written out: what is bound is paid for each time.
    return literal_column(str(value))


_full = func.length(t.c.past) >= _number(ENTRY * MOST_PAST)
_half = func.substr(sha256_hex(t.c.salt.concat(bindparam("named"))), _number(1), _number(HALF))
# `Family.exchange` of a token that is current, in SQL. What is out of date in `past` stays, until it is crowded out;
# `Family` knows it by its moment.
MOVE_ON = (
    update(t)
    .where(
        t.c.id == bindparam("session"),
        t.c.number == bindparam("shown"),
        t.c.kind == quoted("bearer"),
        t.c.ended_at.is_(None),
        t.c.impersonator_id.is_(None),
        t.c.expires_at >= bindparam("least"),
        t.c.salt != quoted(""),
        _half == bindparam("half"),
        exists().where(users.c.id == t.c.user_id, users.c.active),
    )
    .values(
        number=t.c.number + _number(1),
        parent=t.c.number,
        seen=false(),
        past=case((_full, func.substr(t.c.past, _number(ENTRY + 1))), else_=t.c.past).concat(bindparam("entry")),
        turn=t.c.turn + _number(1),
        last_used_at=bindparam("now"),
    )
    .returning(
        t.c.salt,
        t.c.user_id,
        t.c.tenant_id,
        t.c.scopes,
        t.c.methods,
        t.c.authenticated_at,
        t.c.created_at,
        t.c.expires_at,
        t.c.remembered,
        t.c.user_agent,
        t.c.address,
    )
)


async def refresh_at_once(room: Room, shown: Shown) -> Tokens | None:
    """The next tokens where the token shown is the current one of a session that stands; None where more has to be
    known.

    Raises Forbidden for somebody who is no member of the session's tenant any more.
    """
    now, dialect = room.now(), room.control.dialect.name
    since, name, number = now.timestamp(), shown.named.hex(), shown.number
    session = f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:32]}"
    values = Raw(
        session=session,
        shown=number,
        least=_least(since // 60, room.options.idle_days, dialect),
        named=name,
        half=shown.half,
        entry=entry(number, int(since * 1000)),
        now=_MOMENT[dialect](now),
    )
    rows = await room.control.write(_moving_on((room.control.plan(MOVE_ON), values)), single=True)
    if not rows:
        return None
    row = rows[0]
    salt, user, tenant, scopes, methods, proved, created, *_ = row
    if (proved := proved or created).__class__ is str:
        proved = datetime.fromisoformat(proved)
    asked = None if scopes is None else frozenset(orjson.loads(scopes))
    holder = Holder(session, user, tenant, asked, orjson.loads(methods), proved)
    roles = recalled_roles(room, holder) or await found_roles(room, holder)
    access, scope = access_token(room, holder, roles, now, number + 1)
    family_token = room.family_tokens.spell("bearer", shown.named[:16], number + 1, salt)
    return Tokens(access, family_token, room.options.access_seconds, scope, lambda: _session(room, shown, row, now))


def _moving_on(step: Step) -> Generator[Step, Rows, Rows]:
    return (yield step)


@lru_cache(maxsize=8)
def _least(minute: float, idle_days: float, dialect: str) -> Any:
    """When a session ends that has not fallen behind and is used in this minute; in the driver's form."""
    began = datetime.fromtimestamp(minute * 60, UTC)
    # One that has ended has fallen behind, however short it may lie idle.
    return _MOMENT[dialect](began + max(timedelta(minutes=1), timedelta(days=idle_days * (1 - 1 / BEHIND))))


def _session(room: Room, shown: Shown, row: Any, now: datetime) -> Session:
    _, user, tenant, scopes, methods, proved, created, expires, remembered, agent, address = room.control.read(
        MOVE_ON, [row]
    )[0]
    return Session(
        id=shown.session_id,
        user_id=user,
        tenant_id=tenant,
        scopes=None if scopes is None else frozenset(scopes),
        user_agent=agent,
        created_at=created,
        last_used_at=now,
        expires_at=expires,
        methods=frozenset(methods),
        authenticated_at=proved or created,
        impersonator_id=None,
        remembered=remembered,
        address=address,
        kind="bearer",
    )

"""The statements of the queue."""

from typing import Any

from sqlalchemy import bindparam, delete, func, insert, literal_column, select, update

from mainstay.mail.tables import DEAD, GONE, SENT, WAITING
from mainstay.mail.tables import letters as t

# Spelled out, for the partial index.
_waits = t.c.state == literal_column(f"'{WAITING}'")
LETTER_COLUMNS = (
    t.c.id,
    t.c.kind,
    t.c.recipient,
    t.c.language,
    t.c.list,
    t.c.message_id,
    t.c.sealed,
    t.c.created_at,
    t.c.attempts,
)

_GIVEN = (
    "id",
    "kind",
    "recipient",
    "language",
    "list",
    "bulk",
    "once",
    "tenant_id",
    "message_id",
    "sealed",
    "created_at",
    "person",
)
_given: list[Any] = [bindparam(name, type_=t.c[name].type) for name in _GIVEN]
_most = bindparam("most", type_=t.c.attempts.type)
_waiting = select(literal_column("1").label("one")).where(_waits).limit(_most).subquery()
# Nothing is written where the queue is full: in the statement itself, so that no number of processes overfills it.
ADD = (
    insert(t)
    .from_select(
        [*_GIVEN, "state", "due_at", "attempts"],
        select(
            *_given,
            literal_column(f"'{WAITING}'").label("state"),
            bindparam("due_at", type_=t.c.due_at.type),
            literal_column("0").label("attempts"),
        ).where(select(func.count()).select_from(_waiting).scalar_subquery() < _most),
    )
    .returning(t.c.id)
)

_now = bindparam("now", type_=t.c.due_at.type)
IS_DUE = select(t.c.id).where(_waits, t.c.due_at <= _now).limit(1)
# Where the database has row locks, letters that somebody takes at this moment are passed over and not waited for.
TAKE = (
    update(t)
    .where(
        t.c.id.in_(
            select(t.c.id)
            .where(_waits, t.c.due_at <= _now)
            .order_by(t.c.bulk, t.c.due_at)
            .limit(bindparam("at_once", type_=t.c.attempts.type))
            .with_for_update(skip_locked=True)
        )
    )
    .values(lease=bindparam("token"), due_at=bindparam("until", type_=t.c.due_at.type), attempts=t.c.attempts + 1)
    .returning(*LETTER_COLUMNS)
)
# Whoever has sent a letter has sent it, also where the lease ran out meanwhile.
MARK_SENT = (
    update(t)
    .where(t.c.id == bindparam("letter"), _waits)
    .values(state=SENT, sealed=None, lease=None, reason=None, ended_at=_now)
    .returning(t.c.id)
)
_mine = (t.c.id == bindparam("letter"), _waits, t.c.lease == bindparam("token"))
BURY = (
    update(t)
    .where(*_mine)
    .values(state=DEAD, sealed=None, lease=None, ended_at=_now, reason=bindparam("why"))
    .returning(t.c.id)
)
PUT_BACK = (
    update(t)
    .where(*_mine)
    .values(
        lease=None,
        due_at=bindparam("until", type_=t.c.due_at.type),
        reason=bindparam("why"),
        attempts=bindparam("tried", type_=t.c.attempts.type),
    )
    .returning(t.c.id)
)
FORGET = delete(t).where(t.c.ended_at < bindparam("before", type_=t.c.ended_at.type), t.c.state == bindparam("ended"))
FORGET_GONE = delete(t).where(t.c.person == GONE, t.c.ended_at.is_not(None))
# Of whom the letters to an address are that they give up.
BELONG = update(t).where(t.c.recipient == bindparam("address"), t.c.person.is_(None)).values(person=bindparam("user"))
WAITING_NOW = select(func.count(), func.min(t.c.created_at)).where(_waits)
GIVEN_UP = (
    select(t.c.id, t.c.kind, t.c.recipient, t.c.created_at, t.c.ended_at, t.c.attempts, t.c.reason)
    .where(t.c.state == bindparam("ended"))
    .order_by(t.c.ended_at.desc())
    .limit(bindparam("most", type_=t.c.attempts.type))
)

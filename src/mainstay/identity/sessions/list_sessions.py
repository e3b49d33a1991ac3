"""The sessions a user has open."""

from uuid import UUID

from sqlalchemy import bindparam, select

from mainstay.identity.room import Room
from mainstay.identity.sessions.session import Session, session_of
from mainstay.identity.tables import SESSION_COLUMNS
from mainstay.identity.tables import sessions as t

LIST = (
    select(*SESSION_COLUMNS)
    .where(t.c.user_id == bindparam("user"), t.c.ended_at.is_(None), t.c.expires_at > bindparam("now"))
    .order_by(t.c.last_used_at.desc(), t.c.id)
    .limit(100)
)


async def list_sessions(room: Room, user_id: UUID) -> list[Session]:
    """Up to 100 open sessions, the one used last first."""
    rows = await room.control.fetch(LIST, user=user_id, now=room.now())
    return [session_of(row) for row in rows]

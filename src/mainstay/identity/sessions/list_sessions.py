"""The sessions a user has open."""

from uuid import UUID

from sqlalchemy import bindparam, select

from mainstay.identity.room import Room
from mainstay.identity.sessions.session import Session
from mainstay.identity.tables import sessions as t

LIST = (
    select(
        t.c.id, t.c.user_id, t.c.tenant_id, t.c.scopes, t.c.user_agent, t.c.created_at, t.c.last_used_at,
        t.c.expires_at,
    )
    .where(t.c.user_id == bindparam("user"), t.c.ended_at.is_(None), t.c.expires_at > bindparam("now"))
    .order_by(t.c.last_used_at.desc(), t.c.id)
    .limit(100)
)  # fmt: skip


async def list_sessions(room: Room, user_id: UUID) -> list[Session]:
    """Up to 100 open sessions, the one used last first."""
    rows = await room.control.fetch(LIST, user=user_id, now=room.now())
    return [
        Session(*row[:3], None if row[3] is None else frozenset(row[3]), *row[4:])  # type: ignore[misc]  # eight columns
        for row in rows
    ]

"""What this room's tables hold about a user, without what is secret."""

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Select, Table, bindparam, select

from mainstay.identity.room import Room
from mainstay.identity.tables import FAMILY_COLUMNS, credentials, metadata, revocations, sessions, users
from mainstay.storage.types import utc_text

# Beside every column that says of itself that it is secret.
SECRET = frozenset({"secret", "digest", "sealed", "salt", "hash", "token", "code", "key"})
# How tokens come about tells nothing about a person.
INNER = frozenset({*FAMILY_COLUMNS, sessions.c.turn})


async def export_account(room: Room, user_id: UUID) -> dict[str, Any]:
    """The rows that name the user, by table, JSON-ready; whichever area's table it is."""
    found: dict[str, Any] = {}
    for table in metadata.sorted_tables:
        if table is revocations or (table is not users and "user_id" not in table.c):
            continue
        query = _query(table)
        rows = await room.control.fetch(query, user=user_id)
        if rows:
            names = [str(column.name) for column in query.selected_columns]
            told = [dict(zip(names, map(_told, row), strict=True)) for row in rows]
            found[str(table.name).removeprefix("mainstay_")] = told[0] if table is users else told
    return found


@lru_cache(maxsize=64)
def _query(table: Table) -> Select[Any]:
    shown = [column for column in table.c if not _is_secret(column)]
    whose = table.c.id if table is users else table.c.user_id
    return select(*shown).where(whose == bindparam("user"))


def _is_secret(column: Column[Any]) -> bool:
    return bool(column.info.get("secret")) or column.name in SECRET or column in INNER or column is credentials.c.secret


def _told(value: Any) -> Any:
    if isinstance(value, datetime):
        return utc_text(value)
    return str(value) if isinstance(value, UUID) else value

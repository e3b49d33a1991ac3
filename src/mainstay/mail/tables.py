"""The control-plane tables of letters, and of those who want no more of a list's."""

from pathlib import Path
from uuid import UUID

from sqlalchemy import Column, Index, Integer, MetaData, PrimaryKeyConstraint, Table, text

from mainstay.storage.migrations import RoomSchema
from mainstay.storage.types import Text8, UtcDateTime, UuidText

metadata = MetaData()
_CONTROL = {"plane": "control"}
WAITING, SENT, DEAD = "waiting", "sent", "dead"
GONE = UUID(int=0)
_WAITS = text(f"state = '{WAITING}'")

letters = Table(
    "mainstay_letters",
    metadata,
    Column("id", UuidText(), primary_key=True),
    Column("kind", Text8(), nullable=False),
    Column("recipient", Text8(), nullable=False),
    Column("language", Text8()),
    Column("list", Text8()),  # the mailing list it is for; NULL: for this reader alone
    Column("bulk", Integer(), nullable=False),  # 1 for a list's: they go after all others
    Column("once", Text8(), unique=True),  # the deed that this letter tells of, where it may be told but once
    Column("tenant_id", UuidText()),
    Column("message_id", Text8(), nullable=False),
    Column("sealed", Text8()),  # what it says; NULL once it is sent or given up
    Column("state", Text8(), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    # When it is to be tried. Who takes it moves this on: until then it is theirs.
    Column("due_at", UtcDateTime(), nullable=False),
    Column("attempts", Integer(), nullable=False),
    Column("lease", Text8()),
    Column("ended_at", UtcDateTime()),
    Column("reason", Text8()),
    # The user it was written for, where that is not whoever has the address now; GONE: is to go when it is sent.
    Column("person", UuidText()),
    Index("ix_mainstay_letters_person", "person"),
    Index("ix_mainstay_letters_waiting", "bulk", "due_at", sqlite_where=_WAITS, postgresql_where=_WAITS),
    Index("ix_mainstay_letters_ended_at", "ended_at"),
    info=_CONTROL,
)

unsubscribed = Table(
    "mainstay_unsubscribed",
    metadata,
    Column("list", Text8(), nullable=False),
    Column("recipient", Text8(), nullable=False),  # in lower case
    Column("at", UtcDateTime(), nullable=False),
    PrimaryKeyConstraint("list", "recipient"),
    info=_CONTROL,
)

SCHEMA = RoomSchema("mail", metadata, Path(__file__).parent / "migrations" / "versions")

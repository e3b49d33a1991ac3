"""The control-plane table of what is set while the app runs."""

from pathlib import Path

from sqlalchemy import BigInteger, Column, Index, MetaData, Table

from mainstay.storage.migrations import RoomSchema
from mainstay.storage.types import JsonText, Text8, UtcDateTime, UuidText

metadata = MetaData()

# The row named '' counts: whoever changes a value takes the next version from it first, so that versions become
# visible in their order, and asking for what is newer than the last one misses nothing.
live_settings = Table(
    "mainstay_live_settings",
    metadata,
    Column("name", Text8(), primary_key=True),
    Column("value", JsonText()),  # NULL: no longer set
    Column("version", BigInteger(), nullable=False),
    Column("changed_at", UtcDateTime()),
    Column("changed_by", UuidText()),  # NULL: at the command line
    Index("ix_mainstay_live_settings_version", "version"),
    info={"plane": "control"},
)

SCHEMA = RoomSchema("live", metadata, Path(__file__).parent / "migrations" / "versions")

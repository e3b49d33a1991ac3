"""The migrated tables of the identity room: every area's tables are named here, so that migrations see them."""

from pathlib import Path

from mainstay.identity.tables import metadata
from mainstay.storage.migrations import RoomSchema

SCHEMA = RoomSchema("identity", metadata, Path(__file__).parent / "migrations" / "versions")

"""The migrated tables of the identity room: every area's tables are named here, so that migrations see them."""

from pathlib import Path

from mainstay.identity.api_keys import tables as _api_keys
from mainstay.identity.profiles import tables as _profiles
from mainstay.identity.tables import metadata
from mainstay.storage.migrations import RoomSchema

# Imported for what they add to `metadata`.
AREAS = (_api_keys, _profiles)
SCHEMA = RoomSchema("identity", metadata, Path(__file__).parent / "migrations" / "versions")

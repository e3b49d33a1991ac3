"""The migrated tables of the identity room: every area's tables are named here, so that migrations see them."""

from pathlib import Path

from mainstay.identity.accounts import tables as _accounts
from mainstay.identity.api_keys import tables as _api_keys
from mainstay.identity.authenticators import tables as _authenticators
from mainstay.identity.credentials import tables as _credentials
from mainstay.identity.federation import tables as _federation
from mainstay.identity.foreign import tables as _foreign
from mainstay.identity.profiles import tables as _profiles
from mainstay.identity.sessions import tables as _sessions
from mainstay.identity.tables import metadata
from mainstay.storage.migrations import RoomSchema

# Imported for what they add to `metadata`.
AREAS = (_accounts, _api_keys, _authenticators, _credentials, _federation, _foreign, _profiles, _sessions)
SCHEMA = RoomSchema("identity", metadata, Path(__file__).parent / "migrations" / "versions")

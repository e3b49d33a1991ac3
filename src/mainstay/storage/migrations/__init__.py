"""Migrations: rooms carry their own chains; the app's tables follow its declarations or its committed revisions.

plan = Plan(rooms=[identity.SCHEMA], app=[Resource.metadata], folder=Path("migrations"))
await migrate(database, plan)
"""

from mainstay.storage.migrations.migrate import STORAGE, Plan, check, downgrade, migrate, offline_sql, upgrade
from mainstay.storage.migrations.revisions import write_revision
from mainstay.storage.migrations.schema import RoomSchema

__all__ = [
    "STORAGE",
    "Plan",
    "RoomSchema",
    "check",
    "downgrade",
    "migrate",
    "offline_sql",
    "upgrade",
    "write_revision",
]

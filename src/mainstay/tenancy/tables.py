"""The control-plane tables of the tenancy room."""

from pathlib import Path

from sqlalchemy import Column, ForeignKey, Index, MetaData, PrimaryKeyConstraint, Table

from mainstay.storage.migrations import RoomSchema
from mainstay.storage.types import JsonText, Text8, UtcDateTime, UuidText

metadata = MetaData()
_CONTROL = {"plane": "control"}

tenants = Table(
    "mainstay_tenants",
    metadata,
    Column("id", UuidText(), primary_key=True),
    Column("slug", Text8(), nullable=False, unique=True),
    Column("name", Text8(), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("suspended_at", UtcDateTime()),
    # Since when its members need a second factor.
    Column("second_factor_at", UtcDateTime()),
    info=_CONTROL,
)

memberships = Table(
    "mainstay_memberships",
    metadata,
    Column("tenant_id", UuidText(), ForeignKey("mainstay_tenants.id"), nullable=False),
    Column("user_id", UuidText(), nullable=False),  # by id: users belong to another room
    Column("roles", JsonText(), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "user_id"),
    Index("ix_mainstay_memberships_user_id", "user_id"),
    info=_CONTROL,
)

SCHEMA = RoomSchema("tenancy", metadata, Path(__file__).parent / "migrations" / "versions")

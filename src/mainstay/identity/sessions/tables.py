"""The devices a user has been seen with: a sign-in from another one is told by letter."""

from sqlalchemy import Column, ForeignKey, PrimaryKeyConstraint, Table

from mainstay.identity.tables import CONTROL, metadata
from mainstay.storage.types import Text8, UtcDateTime, UuidText

devices = Table(
    "mainstay_devices",
    metadata,
    Column("user_id", UuidText(), ForeignKey("mainstay_users.id"), nullable=False),
    Column("device", Text8(), nullable=False),  # in words: "Firefox on Windows"
    Column("first_seen_at", UtcDateTime(), nullable=False),
    Column("last_seen_at", UtcDateTime(), nullable=False),
    PrimaryKeyConstraint("user_id", "device"),
    info=CONTROL,
)

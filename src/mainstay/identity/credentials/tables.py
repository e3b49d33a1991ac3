"""Counted attempts, and where users are known from."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table

from mainstay.identity.tables import CONTROL, metadata
from mainstay.storage.types import Text8, UtcDateTime, UuidText

# Attempts under a key that is one of 2**20 of its kind: so many rows at most, whatever is tried.
throttle = Table(
    "mainstay_throttle",
    metadata,
    Column("bucket", BigInteger(), primary_key=True, autoincrement=False),
    Column("attempts", Integer(), nullable=False),
    Column("last_at", UtcDateTime(), nullable=False),
    Column("until", UtcDateTime(), nullable=False),
    Index("ix_mainstay_throttle_last_at", "last_at"),
    info=CONTROL,
)

known_addresses = Table(
    "mainstay_known_addresses",
    metadata,
    Column("user_id", UuidText(), ForeignKey("mainstay_users.id"), nullable=False),
    Column("address", Text8(), nullable=False),  # keyed digest
    Column("last_at", UtcDateTime(), nullable=False),
    PrimaryKeyConstraint("user_id", "address"),
    Index("ix_mainstay_known_addresses_last_at", "last_at"),
    info=CONTROL,
)

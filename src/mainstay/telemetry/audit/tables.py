"""The audit's tables: what waits, the entries of all chains, where each chain stands, and whose values can be read."""

from pathlib import Path

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, PrimaryKeyConstraint, Table

from mainstay.storage import RoomSchema
from mainstay.storage.types import Integer64, JsonText, Text8, UtcDateTime, UuidText

metadata = MetaData()
CONTROL = {"plane": "control"}

# What was noted in the transaction it happened in, until it is chained.
queue = Table(
    "mainstay_audit_queue",
    metadata,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("tenant_id", UuidText()),  # NULL: the system's chain
    Column("at", UtcDateTime(), nullable=False),
    Column("content", JsonText(), nullable=False),
    info=CONTROL,
    sqlite_autoincrement=True,
)

# One row an entry. Triggers refuse to change one, and to delete one that no checkpoint covers. `tenant_id` is the
# chain's: the system's is the one of zeros.
entries = Table(
    "mainstay_audit",
    metadata,
    Column("tenant_id", UuidText(), nullable=False),
    Column("seq", Integer64(), nullable=False),
    Column("at", UtcDateTime(), nullable=False),
    Column("name", Text8(), nullable=False),
    Column("actor_id", UuidText()),
    Column("impersonator_id", UuidText()),
    Column("user_id", UuidText()),
    Column("session_id", UuidText()),
    Column("request_id", Text8()),
    Column("subject", Text8()),
    Column("origin", Text8()),  # sealed under a person's key
    Column("details", Text8()),  # sealed under a person's key
    Column("previous", Text8(), nullable=False),
    Column("hash", Text8(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "seq"),
    Index("ix_mainstay_audit_actor_id", "actor_id"),
    Index("ix_mainstay_audit_user_id", "user_id"),
    info={"plane": "tenant", "grants": "SELECT"},
)

# The newest entry of each chain, sealed under a key that is not in the database.
heads = Table(
    "mainstay_audit_heads",
    metadata,
    Column("tenant_id", UuidText(), primary_key=True),
    Column("seq", Integer64(), nullable=False),
    Column("hash", Text8(), nullable=False),
    Column("seal", Text8(), nullable=False),
    info=CONTROL,
)

# The last entry of each chain that was pruned, sealed likewise.
checkpoints = Table(
    "mainstay_audit_checkpoints",
    metadata,
    Column("tenant_id", UuidText(), primary_key=True),
    Column("seq", Integer64(), nullable=False),
    Column("hash", Text8(), nullable=False),
    Column("seal", Text8(), nullable=False),
    Column("at", UtcDateTime(), nullable=False),
    info=CONTROL,
)

# The key of each person, sealed under the master key. Without it nobody reads what is personal in their entries.
keys = Table(
    "mainstay_audit_keys",
    metadata,
    Column("holder", Text8(), primary_key=True),  # the user's id, or the month of entries about nobody known
    Column("sealed", Text8()),  # NULL: destroyed
    Column("created_at", UtcDateTime(), nullable=False),
    Column("destroyed_at", UtcDateTime()),
    info=CONTROL,
)

# One row: up to where the outbox is chained.
state = Table(
    "mainstay_audit_state",
    metadata,
    Column("id", Integer(), primary_key=True, autoincrement=False),
    Column("position", Integer64(), nullable=False),
    info=CONTROL,
)

SCHEMA = RoomSchema("audit", metadata, Path(__file__).parent / "migrations" / "versions")

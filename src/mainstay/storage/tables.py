"""The storage room's own tables: the outbox, the relay's state, idempotency keys, and what migrations manage."""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, MetaData, PrimaryKeyConstraint, Table, text

from mainstay.storage.types import Integer64, JsonText, Text8, UtcDateTime, UuidText

metadata = MetaData()
NUMBERED = text("position IS NOT NULL")
AUDITED = text("origin IS NOT NULL AND position IS NOT NULL")

# One row a change, written in the change's own transaction. `position` and `channel_offset` are the relay's to fill:
# a counter in the writer's transaction would put every writer of a channel in one queue.
outbox = Table(
    "mainstay_outbox",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), Identity(always=True), primary_key=True),
    Column("tenant_id", UuidText(), nullable=False),
    Column("channel", Text8(), nullable=False),
    Column("action", Text8(), nullable=False),
    Column("key", Text8(), nullable=False),
    Column("row_version", Integer64(), nullable=False),
    Column("at", UtcDateTime(), nullable=False),
    Column("actor_id", UuidText()),
    Column("request_id", Text8()),
    Column("payload", JsonText(), nullable=False),
    Column("position", Integer64()),
    Column("channel_offset", Integer64()),
    # Where an administrator's change came from, for auditors; NULL for everybody else's.
    Column("origin", JsonText()),
    # Partial, so that the writer of a change pays for none of them; what waits on PostgreSQL has one of its own.
    Index("ix_mainstay_outbox_position", "position", sqlite_where=NUMBERED, postgresql_where=NUMBERED),
    Index(
        "ix_mainstay_outbox_channel",
        "tenant_id",
        "channel",
        "channel_offset",
        sqlite_where=NUMBERED,
        postgresql_where=NUMBERED,
    ),
    Index("ix_mainstay_outbox_origin", "position", sqlite_where=AUDITED, postgresql_where=AUDITED),
    sqlite_autoincrement=True,
    info={"plane": "tenant"},
)

# One row: where the relay stands.
relay_state = Table(
    "mainstay_relay",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Text8(), nullable=False),
    Column("numbered", Integer64(), nullable=False),
    Column("delivered", Integer64(), nullable=False),
    info={"plane": "control"},
)

channels = Table(
    "mainstay_channels",
    metadata,
    Column("tenant_id", UuidText(), primary_key=True),
    Column("channel", Text8(), primary_key=True),
    Column("last_offset", Integer64(), nullable=False),
    info={"plane": "control"},
)

idempotency = Table(
    "mainstay_idempotency",
    metadata,
    Column("tenant_id", UuidText(), nullable=False),
    Column("actor", Text8(), nullable=False),
    Column("route", Text8(), nullable=False),
    Column("key", Text8(), nullable=False),
    Column("body_hash", Text8(), nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", JsonText(), nullable=False),
    Column("body", Text8(), nullable=False),
    Column("at", UtcDateTime(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "actor", "route", "key"),
    Index("ix_mainstay_idempotency_at", "at"),
    info={"plane": "tenant"},
)

# The app's tables that `migrate` made or adopted, with the text of their checks (databases rewrite it).
managed = Table(
    "mainstay_managed",
    metadata,
    Column("name", Text8(), primary_key=True),
    Column("checks", JsonText(), nullable=False),
    info={"plane": "control"},
)

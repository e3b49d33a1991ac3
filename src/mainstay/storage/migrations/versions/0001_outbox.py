"""The outbox, the relay's state, idempotency keys, managed tables."""

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import Integer64, JsonText, Text8, UtcDateTime, UuidText

revision = "storage_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    numbered = sa.text("position IS NOT NULL")
    op.create_table(
        "mainstay_outbox",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(always=True), primary_key=True
        ),
        sa.Column("tenant_id", UuidText(), nullable=False),
        sa.Column("channel", Text8(), nullable=False),
        sa.Column("action", Text8(), nullable=False),
        sa.Column("key", Text8(), nullable=False),
        sa.Column("row_version", Integer64(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_id", UuidText()),
        sa.Column("request_id", Text8()),
        sa.Column("payload", JsonText(), nullable=False),
        sa.Column("position", Integer64()),
        sa.Column("channel_offset", Integer64()),
        sqlite_autoincrement=True,
    )
    if op.get_context().dialect.name == "postgresql":
        # The relay reads only what no running transaction can still come before.
        op.execute(
            "ALTER TABLE mainstay_outbox ADD COLUMN xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint)"
        )
        op.execute("CREATE INDEX ix_mainstay_outbox_waiting ON mainstay_outbox (seq) WHERE position IS NULL")
    where = {"sqlite_where": numbered, "postgresql_where": numbered}
    op.create_index("ix_mainstay_outbox_position", "mainstay_outbox", ["position"], **where)
    op.create_index(
        "ix_mainstay_outbox_channel", "mainstay_outbox", ["tenant_id", "channel", "channel_offset"], **where
    )
    op.create_table(
        "mainstay_relay",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("epoch", Text8(), nullable=False),
        sa.Column("numbered", Integer64(), nullable=False),
        sa.Column("delivered", Integer64(), nullable=False),
    )
    op.create_table(
        "mainstay_channels",
        sa.Column("tenant_id", UuidText(), primary_key=True),
        sa.Column("channel", Text8(), primary_key=True),
        sa.Column("last_offset", Integer64(), nullable=False),
    )
    op.create_table(
        "mainstay_idempotency",
        sa.Column("tenant_id", UuidText(), nullable=False),
        sa.Column("actor", Text8(), nullable=False),
        sa.Column("route", Text8(), nullable=False),
        sa.Column("key", Text8(), nullable=False),
        sa.Column("body_hash", Text8(), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("headers", JsonText(), nullable=False),
        sa.Column("body", Text8(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "actor", "route", "key"),
    )
    op.create_index("ix_mainstay_idempotency_at", "mainstay_idempotency", ["at"])
    op.create_table(
        "mainstay_managed",
        sa.Column("name", Text8(), primary_key=True),
        sa.Column("checks", JsonText(), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("managed", "idempotency", "channels", "relay", "outbox"):
        op.drop_table(f"mainstay_{name}")

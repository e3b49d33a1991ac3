"""What a session was proved by, and its family of tokens in one column; devices that a user was seen with."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import Boolean, JsonText, Text8, UtcDateTime, UuidText

revision = "identity_0003"
down_revision = "identity_0002"
branch_labels = None
depends_on = None


def added() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("methods", JsonText(), nullable=False, server_default="[]"),
        sa.Column("authenticated_at", UtcDateTime()),
        sa.Column("impersonator_id", UuidText()),
        sa.Column("remembered", Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("address", Text8()),
        sa.Column("kind", Text8(), nullable=False, server_default="bearer"),
        # Sessions that began before have no salt: their tokens open nothing any more, and their users sign in again.
        sa.Column("salt", Text8(), nullable=False, server_default=""),
        sa.Column("family", JsonText(), nullable=False, server_default="{}"),
        sa.Column("turn", sa.BigInteger(), nullable=False, server_default="0"),
    )


def upgrade() -> None:
    for column in added():
        op.add_column("mainstay_sessions", column)
    op.drop_table("mainstay_refresh_tokens")
    op.create_table(
        "mainstay_devices",
        sa.Column("user_id", UuidText(), sa.ForeignKey("mainstay_users.id"), nullable=False),
        sa.Column("device", Text8(), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "device"),
    )


def downgrade() -> None:
    op.drop_table("mainstay_devices")
    op.create_table(
        "mainstay_refresh_tokens",
        sa.Column("digest", Text8(), primary_key=True),
        sa.Column("session_id", UuidText(), sa.ForeignKey("mainstay_sessions.id"), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime()),
    )
    op.create_index("ix_mainstay_refresh_tokens_session_id", "mainstay_refresh_tokens", ["session_id"])
    for column in reversed(added()):
        op.drop_column("mainstay_sessions", column.name)

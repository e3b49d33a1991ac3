"""Usernames, confirmed addresses, profiles, deletion; letters' tokens; counted attempts; known addresses."""

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import JsonText, Text8, UtcDateTime, UuidText

revision = "identity_0004"
down_revision = "identity_0003"
branch_labels = None
depends_on = None


def added() -> tuple[sa.Column, ...]:
    return (
        sa.Column("username", Text8()),
        sa.Column("email_verified_at", UtcDateTime()),
        sa.Column("display_name", Text8()),
        sa.Column("language", Text8()),
        sa.Column("deletion_at", UtcDateTime()),
    )


def upgrade() -> None:
    for column in added():
        op.add_column("mainstay_users", column)
    # Nobody who could sign in yesterday is shut out by a rule of today.
    op.execute("UPDATE mainstay_users SET email_verified_at = created_at")
    op.create_index("ix_mainstay_users_username", "mainstay_users", ["username"], unique=True)
    op.create_index("ix_mainstay_users_deletion_at", "mainstay_users", ["deletion_at"])
    op.create_table(
        "mainstay_account_tokens",
        sa.Column("digest", Text8(), primary_key=True),
        sa.Column("kind", Text8(), nullable=False),
        sa.Column("user_id", UuidText(), sa.ForeignKey("mainstay_users.id")),
        sa.Column("email", Text8()),
        sa.Column("asked", JsonText()),
        sa.Column("code", Text8()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("spent_at", UtcDateTime()),
    )
    op.create_index("ix_mainstay_account_tokens_user_id", "mainstay_account_tokens", ["user_id"])
    op.create_index("ix_mainstay_account_tokens_expires_at", "mainstay_account_tokens", ["expires_at"])
    op.create_table(
        "mainstay_throttle",
        sa.Column("bucket", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_mainstay_throttle_last_at", "mainstay_throttle", ["last_at"])
    op.create_table(
        "mainstay_known_addresses",
        sa.Column("user_id", UuidText(), sa.ForeignKey("mainstay_users.id"), nullable=False),
        sa.Column("address", Text8(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "address"),
    )
    op.create_index("ix_mainstay_known_addresses_last_at", "mainstay_known_addresses", ["last_at"])


def downgrade() -> None:
    for name in ("known_addresses", "throttle", "account_tokens"):
        op.drop_table(f"mainstay_{name}")
    op.drop_index("ix_mainstay_users_deletion_at", "mainstay_users")
    op.drop_index("ix_mainstay_users_username", "mainstay_users")
    for column in reversed(added()):
        op.drop_column("mainstay_users", column.name)

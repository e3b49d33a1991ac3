"""Authenticator apps, recovery codes, passkeys, and the tickets of second steps."""

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import Boolean, JsonText, Text8, UtcDateTime, UuidText

revision = "identity_0007"
down_revision = "identity_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mainstay_totp",
        sa.Column("user_id", UuidText(), sa.ForeignKey("mainstay_users.id"), primary_key=True),
        sa.Column("sealed", Text8(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime()),
    )
    op.create_table(
        "mainstay_recovery_codes",
        sa.Column("user_id", UuidText(), sa.ForeignKey("mainstay_users.id"), nullable=False),
        sa.Column("digest", Text8(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("user_id", "digest"),
    )
    op.create_table(
        "mainstay_passkeys",
        sa.Column("id", UuidText(), primary_key=True),
        sa.Column("user_id", UuidText(), sa.ForeignKey("mainstay_users.id"), nullable=False),
        sa.Column("credential_id", Text8(), nullable=False, unique=True),
        sa.Column("public_key", Text8(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", Text8(), nullable=False),
        sa.Column("transports", JsonText(), nullable=False),
        sa.Column("aaguid", Text8(), nullable=False),
        sa.Column("synced", Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime()),
    )
    op.create_index("ix_mainstay_passkeys_user_id", "mainstay_passkeys", ["user_id"])
    op.create_table(
        "mainstay_factor_tickets",
        sa.Column("digest", Text8(), primary_key=True),
        sa.Column("purpose", Text8(), nullable=False),
        sa.Column("user_id", UuidText(), sa.ForeignKey("mainstay_users.id")),
        sa.Column("session_id", UuidText()),
        sa.Column("kind", Text8(), nullable=False),
        sa.Column("wishes", JsonText(), nullable=False),
        sa.Column("challenge", Text8()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_mainstay_factor_tickets_expires_at", "mainstay_factor_tickets", ["expires_at"])
    op.create_index("ix_mainstay_factor_tickets_user_id", "mainstay_factor_tickets", ["user_id"])


def downgrade() -> None:
    for table in ("mainstay_factor_tickets", "mainstay_passkeys", "mainstay_recovery_codes", "mainstay_totp"):
        op.drop_table(table)

"""Users, credentials, sessions, refresh tokens, signing keys, revocations."""

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import Boolean, JsonText, Text8, UtcDateTime, UuidText

revision = "identity_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mainstay_users",
        sa.Column("id", UuidText(), primary_key=True),
        sa.Column("email", Text8(), nullable=False, unique=True),
        sa.Column("active", Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "mainstay_credentials",
        sa.Column("user_id", UuidText(), sa.ForeignKey("mainstay_users.id"), nullable=False),
        sa.Column("kind", Text8(), nullable=False),
        sa.Column("secret", Text8(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "kind"),
    )
    op.create_table(
        "mainstay_sessions",
        sa.Column("id", UuidText(), primary_key=True),
        sa.Column("user_id", UuidText(), sa.ForeignKey("mainstay_users.id"), nullable=False),
        sa.Column("tenant_id", UuidText(), nullable=False),
        sa.Column("scopes", JsonText()),
        sa.Column("user_agent", Text8()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime()),
        sa.Column("end_reason", Text8()),
    )
    op.create_index("ix_mainstay_sessions_user_id", "mainstay_sessions", ["user_id"])
    op.create_index("ix_mainstay_sessions_expires_at", "mainstay_sessions", ["expires_at"])
    op.create_table(
        "mainstay_refresh_tokens",
        sa.Column("digest", Text8(), primary_key=True),
        sa.Column("session_id", UuidText(), sa.ForeignKey("mainstay_sessions.id"), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime()),
    )
    op.create_index("ix_mainstay_refresh_tokens_session_id", "mainstay_refresh_tokens", ["session_id"])
    op.create_table(
        "mainstay_signing_keys",
        sa.Column("generation", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("kid", Text8(), nullable=False, unique=True),
        sa.Column("sealed", Text8(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("retired_at", UtcDateTime()),
    )
    op.create_table(
        "mainstay_revocations",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("user_id", UuidText()),
        sa.Column("session_id", UuidText()),
        sa.Column("at", UtcDateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "mainstay_deeds",
        sa.Column("name", Text8(), primary_key=True),
        sa.Column("done_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_mainstay_revocations_at", "mainstay_revocations", ["at"])


def downgrade() -> None:
    for name in ("deeds", "revocations", "signing_keys", "refresh_tokens", "sessions", "credentials", "users"):
        op.drop_table(f"mainstay_{name}")

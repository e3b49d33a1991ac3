"""API keys, service accounts, preferences, avatars."""

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import Boolean, JsonText, Text8, UtcDateTime, UuidText

revision = "identity_0002"
down_revision = "identity_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mainstay_service_accounts",
        sa.Column("id", UuidText(), primary_key=True),
        sa.Column("tenant_id", UuidText(), nullable=False),
        sa.Column("name", Text8(), nullable=False),
        sa.Column("active", Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", UuidText()),
        sa.UniqueConstraint("tenant_id", "name", name="uq_mainstay_service_accounts_tenant_id_name"),
    )
    op.create_table(
        "mainstay_api_keys",
        sa.Column("id", UuidText(), primary_key=True),
        sa.Column("user_id", UuidText(), nullable=False),
        sa.Column("tenant_id", UuidText(), nullable=False),
        sa.Column("name", Text8(), nullable=False),
        sa.Column("scopes", JsonText(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", UuidText(), nullable=False),
        sa.Column("expires_at", UtcDateTime()),
        sa.Column("last_used_at", UtcDateTime()),
        sa.Column("revoked_at", UtcDateTime()),
    )
    op.create_index("ix_mainstay_api_keys_user_id", "mainstay_api_keys", ["user_id"])
    op.create_table(
        "mainstay_api_key_secrets",
        sa.Column("digest", Text8(), primary_key=True),
        sa.Column("key_id", UuidText(), sa.ForeignKey("mainstay_api_keys.id"), nullable=False),
        sa.Column("hint", Text8(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("replaced_at", UtcDateTime()),
    )
    op.create_index("ix_mainstay_api_key_secrets_key_id", "mainstay_api_key_secrets", ["key_id"])
    op.create_table(
        "mainstay_preferences",
        sa.Column("user_id", UuidText(), sa.ForeignKey("mainstay_users.id"), primary_key=True),
        sa.Column("chosen", JsonText(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "mainstay_avatars",
        sa.Column("user_id", UuidText(), sa.ForeignKey("mainstay_users.id"), primary_key=True),
        sa.Column("name", Text8(), nullable=False, unique=True),
        sa.Column("media_type", Text8(), nullable=False),
        sa.Column("content", Text8(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
    )


def downgrade() -> None:
    for name in ("avatars", "preferences", "api_key_secrets", "api_keys", "service_accounts"):
        op.drop_table(f"mainstay_{name}")

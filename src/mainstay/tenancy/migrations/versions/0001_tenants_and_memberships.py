"""Tenants and memberships."""

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import JsonText, Text8, UtcDateTime, UuidText

revision = "tenancy_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mainstay_tenants",
        sa.Column("id", UuidText(), primary_key=True),
        sa.Column("slug", Text8(), nullable=False, unique=True),
        sa.Column("name", Text8(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("suspended_at", UtcDateTime()),
    )
    op.create_table(
        "mainstay_memberships",
        sa.Column("tenant_id", UuidText(), sa.ForeignKey("mainstay_tenants.id"), nullable=False),
        sa.Column("user_id", UuidText(), nullable=False),
        sa.Column("roles", JsonText(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "user_id"),
    )
    op.create_index("ix_mainstay_memberships_user_id", "mainstay_memberships", ["user_id"])


def downgrade() -> None:
    op.drop_table("mainstay_memberships")
    op.drop_table("mainstay_tenants")

"""What is set while the app runs."""

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import JsonText, Text8, UtcDateTime, UuidText

revision = "live_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mainstay_live_settings",
        sa.Column("name", Text8(), primary_key=True),
        sa.Column("value", JsonText()),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", UtcDateTime()),
        sa.Column("changed_by", UuidText()),
    )
    op.create_index("ix_mainstay_live_settings_version", "mainstay_live_settings", ["version"])
    op.execute("INSERT INTO mainstay_live_settings (name, version) VALUES ('', 0)")


def downgrade() -> None:
    op.drop_table("mainstay_live_settings")

"""Where an administrator's change came from, beside the change."""

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import JsonText

revision = "storage_0002"
down_revision = "storage_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mainstay_outbox", sa.Column("origin", JsonText()))
    audited = sa.text("origin IS NOT NULL AND position IS NOT NULL")
    op.create_index(
        "ix_mainstay_outbox_origin", "mainstay_outbox", ["position"], sqlite_where=audited, postgresql_where=audited
    )


def downgrade() -> None:
    op.drop_index("ix_mainstay_outbox_origin", "mainstay_outbox")
    op.drop_column("mainstay_outbox", "origin")

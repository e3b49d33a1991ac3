"""Whom a letter was written for, whatever address it went to."""

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import UuidText

revision = "mail_0002"
down_revision = "mail_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mainstay_letters", sa.Column("person", UuidText()))
    op.create_index("ix_mainstay_letters_person", "mainstay_letters", ["person"])


def downgrade() -> None:
    op.drop_index("ix_mainstay_letters_person", "mainstay_letters")
    op.drop_column("mainstay_letters", "person")

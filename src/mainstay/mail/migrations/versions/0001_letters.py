"""Letters, and who unsubscribed."""

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import Text8, UtcDateTime, UuidText

revision = "mail_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mainstay_letters",
        sa.Column("id", UuidText(), primary_key=True),
        sa.Column("kind", Text8(), nullable=False),
        sa.Column("recipient", Text8(), nullable=False),
        sa.Column("language", Text8()),
        sa.Column("list", Text8()),
        sa.Column("bulk", sa.Integer(), nullable=False),
        sa.Column("once", Text8(), unique=True),
        sa.Column("tenant_id", UuidText()),
        sa.Column("message_id", Text8(), nullable=False),
        sa.Column("sealed", Text8()),
        sa.Column("state", Text8(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease", Text8()),
        sa.Column("ended_at", UtcDateTime()),
        sa.Column("reason", Text8()),
    )
    waits = sa.text("state = 'waiting'")
    op.create_index(
        "ix_mainstay_letters_waiting",
        "mainstay_letters",
        ["bulk", "due_at"],
        sqlite_where=waits,
        postgresql_where=waits,
    )
    op.create_index("ix_mainstay_letters_ended_at", "mainstay_letters", ["ended_at"])
    op.create_table(
        "mainstay_unsubscribed",
        sa.Column("list", Text8(), nullable=False),
        sa.Column("recipient", Text8(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("list", "recipient"),
    )


def downgrade() -> None:
    op.drop_table("mainstay_unsubscribed")
    op.drop_table("mainstay_letters")

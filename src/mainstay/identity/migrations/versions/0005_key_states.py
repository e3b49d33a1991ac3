"""When a signing key signs and until when it verifies, and whom another issuer's subjects are linked to."""

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import Text8, UtcDateTime, UuidText

revision = "identity_0005"
down_revision = "identity_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mainstay_signing_keys", sa.Column("algorithm", Text8()))
    for name in ("signs_from", "verifies_until", "revoked_at"):
        op.add_column("mainstay_signing_keys", sa.Column(name, UtcDateTime()))
    op.create_table(
        "mainstay_foreign_subjects",
        sa.Column("issuer", Text8(), nullable=False),
        sa.Column("subject", Text8(), nullable=False),
        sa.Column("user_id", UuidText(), sa.ForeignKey("mainstay_users.id"), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("believed_from", UtcDateTime()),
        sa.PrimaryKeyConstraint("issuer", "subject"),
    )
    op.create_index("ix_mainstay_foreign_subjects_user_id", "mainstay_foreign_subjects", ["user_id"])


def downgrade() -> None:
    op.drop_table("mainstay_foreign_subjects")
    for name in ("revoked_at", "verifies_until", "signs_from", "algorithm"):
        op.drop_column("mainstay_signing_keys", name)

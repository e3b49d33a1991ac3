"""Identities with providers, the codes that front ends exchange, and states that came back."""

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import Text8, UtcDateTime, UuidText

revision = "identity_0006"
down_revision = "identity_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mainstay_federated_identities",
        sa.Column("id", UuidText(), primary_key=True),
        sa.Column("user_id", UuidText(), sa.ForeignKey("mainstay_users.id"), nullable=False),
        sa.Column("provider", Text8(), nullable=False),
        sa.Column("issuer", Text8(), nullable=False),
        sa.Column("subject", Text8(), nullable=False),
        sa.Column("email", Text8()),
        sa.Column("linked_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=False),
        sa.Column("tokens", Text8()),
        sa.UniqueConstraint("issuer", "subject", name="uq_mainstay_federated_identities_issuer"),
    )
    op.create_index("ix_mainstay_federated_identities_user_id", "mainstay_federated_identities", ["user_id"])
    op.create_table(
        "mainstay_federation_codes",
        sa.Column("digest", Text8(), primary_key=True),
        sa.Column("user_id", UuidText(), sa.ForeignKey("mainstay_users.id"), nullable=False),
        sa.Column("challenge", Text8(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_mainstay_federation_codes_expires_at", "mainstay_federation_codes", ["expires_at"])
    op.create_table(
        "mainstay_federation_spent",
        sa.Column("digest", Text8(), primary_key=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_mainstay_federation_spent_expires_at", "mainstay_federation_spent", ["expires_at"])


def downgrade() -> None:
    for table in ("mainstay_federation_spent", "mainstay_federation_codes", "mainstay_federated_identities"):
        op.drop_table(table)

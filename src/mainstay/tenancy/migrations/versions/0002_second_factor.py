"""Since when a tenant's members need a second factor."""

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import UtcDateTime

revision = "tenancy_0002"
down_revision = "tenancy_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mainstay_tenants", sa.Column("second_factor_at", UtcDateTime()))


def downgrade() -> None:
    op.drop_column("mainstay_tenants", "second_factor_at")

"""A family of tokens in columns of its own, so that one statement moves it on."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import Boolean, JsonText, Text8

revision = "identity_0009"
down_revision = "identity_0008"
branch_labels = None
depends_on = None


def added() -> tuple[sa.Column[Any], ...]:
    # Tokens are spelled in another way from here on: those given out before open nothing any more, whatever their
    # number, and their users sign in again.
    return (
        sa.Column("number", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("parent", sa.BigInteger()),
        sa.Column("seen", Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("past", Text8(), nullable=False, server_default=""),
        sa.Column("lost", Text8(), nullable=False, server_default=""),
    )


def upgrade() -> None:
    for column in added():
        op.add_column("mainstay_sessions", column)
    op.drop_column("mainstay_sessions", "family")


def downgrade() -> None:
    op.add_column("mainstay_sessions", sa.Column("family", JsonText(), nullable=False, server_default="{}"))
    for column in reversed(added()):
        op.drop_column("mainstay_sessions", column.name)

"""Whom another issuer's subject is linked to."""

from sqlalchemy import Column, ForeignKey, Index, PrimaryKeyConstraint, Table

from mainstay.identity.tables import CONTROL, metadata
from mainstay.storage.types import Text8, UtcDateTime, UuidText

subjects = Table(
    "mainstay_foreign_subjects",
    metadata,
    Column("issuer", Text8(), nullable=False),
    Column("subject", Text8(), nullable=False),
    Column("user_id", UuidText(), ForeignKey("mainstay_users.id"), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("believed_from", UtcDateTime()),  # tokens issued before are not believed
    PrimaryKeyConstraint("issuer", "subject"),
    Index("ix_mainstay_foreign_subjects_user_id", "user_id"),
    info=CONTROL,
)

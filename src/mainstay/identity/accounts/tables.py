"""What the links and codes in letters stand for."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table

from mainstay.identity.tables import CONTROL, metadata
from mainstay.storage.types import JsonText, Text8, UtcDateTime, UuidText

# What a letter's link or code stands for. The token itself is nowhere: only its SHA-256.
account_tokens = Table(
    "mainstay_account_tokens",
    metadata,
    Column("digest", Text8(), primary_key=True, info={"secret": True}),
    Column("kind", Text8(), nullable=False),
    Column("user_id", UuidText(), ForeignKey("mainstay_users.id")),  # NULL: nobody yet, or a decoy
    Column("email", Text8()),  # where the letter went
    Column("asked", JsonText(), info={"secret": True}),  # what was asked for, until it is confirmed
    Column("code", Text8(), info={"secret": True}),  # keyed digest of the code that may be typed instead
    Column("attempts", Integer(), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("expires_at", UtcDateTime(), nullable=False),
    Column("spent_at", UtcDateTime()),
    Index("ix_mainstay_account_tokens_user_id", "user_id"),
    Index("ix_mainstay_account_tokens_expires_at", "expires_at"),
    info=CONTROL,
)

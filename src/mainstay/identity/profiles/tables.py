"""What a user sets for themselves: preferences and a picture. The app's own columns stand in a table of its own."""

from sqlalchemy import Column, ForeignKey, Table

from mainstay.identity.tables import CONTROL, metadata
from mainstay.storage.types import JsonText, Text8, UtcDateTime, UuidText

preferences = Table(
    "mainstay_preferences",
    metadata,
    Column("user_id", UuidText(), ForeignKey("mainstay_users.id"), primary_key=True),
    Column("chosen", JsonText(), nullable=False),  # what differs from the defaults
    Column("updated_at", UtcDateTime(), nullable=False),
    info=CONTROL,
)

avatars = Table(
    "mainstay_avatars",
    metadata,
    Column("user_id", UuidText(), ForeignKey("mainstay_users.id"), primary_key=True),
    Column("name", Text8(), nullable=False, unique=True),  # 128 random bits: whoever knows it may see the picture
    Column("media_type", Text8(), nullable=False),
    Column("content", Text8(), nullable=False),  # base64
    Column("updated_at", UtcDateTime(), nullable=False),
    info=CONTROL,
)

"""The tables of API keys and of the service accounts that hold them."""

from sqlalchemy import Column, ForeignKey, Index, Table, UniqueConstraint

from mainstay.identity.tables import CONTROL, metadata
from mainstay.storage.types import Boolean, JsonText, Text8, UtcDateTime, UuidText

# Apart from the users: what has no row there cannot sign in, reset a password, or be linked to an identity elsewhere.
service_accounts = Table(
    "mainstay_service_accounts",
    metadata,
    Column("id", UuidText(), primary_key=True),
    Column("tenant_id", UuidText(), nullable=False),
    Column("name", Text8(), nullable=False),
    Column("active", Boolean(), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("created_by", UuidText()),
    UniqueConstraint("tenant_id", "name", name="uq_mainstay_service_accounts_tenant_id_name"),
    info=CONTROL,
)

api_keys = Table(
    "mainstay_api_keys",
    metadata,
    Column("id", UuidText(), primary_key=True),
    Column("user_id", UuidText(), nullable=False),  # a user, or a service account
    Column("tenant_id", UuidText(), nullable=False),  # the one tenant it opens
    Column("name", Text8(), nullable=False),
    Column("scopes", JsonText(), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("created_by", UuidText(), nullable=False),
    Column("expires_at", UtcDateTime()),
    Column("last_used_at", UtcDateTime()),  # to within ten minutes
    Column("revoked_at", UtcDateTime()),
    Index("ix_mainstay_api_keys_user_id", "user_id"),
    info=CONTROL,
)

# A key has one secret, and a second one for as long as a rotation overlaps.
api_key_secrets = Table(
    "mainstay_api_key_secrets",
    metadata,
    Column("digest", Text8(), primary_key=True, info={"secret": True}),  # SHA-256 in hex; the secret itself is nowhere
    Column("key_id", UuidText(), ForeignKey("mainstay_api_keys.id"), nullable=False),
    Column("hint", Text8(), nullable=False),  # its first letters, so that people recognise it
    Column("created_at", UtcDateTime(), nullable=False),
    Column("replaced_at", UtcDateTime()),  # from then on it opens nothing
    Index("ix_mainstay_api_key_secrets_key_id", "key_id"),
    info=CONTROL,
)

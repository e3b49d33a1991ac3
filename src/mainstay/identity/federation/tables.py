"""Who is known by which provider, and what is used once on the way."""

from sqlalchemy import Column, ForeignKey, Index, Table, UniqueConstraint

from mainstay.identity.sealing.sealed_column import sealed
from mainstay.identity.tables import CONTROL, metadata
from mainstay.storage.types import Text8, UtcDateTime, UuidText

TOKENS_LABEL, TOKENS_PREFIX = "identity/federation/tokens", b"mainstay/federation/"

# An identity is (issuer, subject) and nothing else: addresses change hands.
identities = Table(
    "mainstay_federated_identities",
    metadata,
    Column("id", UuidText(), primary_key=True),
    Column("user_id", UuidText(), ForeignKey("mainstay_users.id"), nullable=False),
    Column("provider", Text8(), nullable=False),
    Column("issuer", Text8(), nullable=False),
    Column("subject", Text8(), nullable=False),
    Column("email", Text8()),  # as the provider said it last, for the user to know which one it is
    Column("linked_at", UtcDateTime(), nullable=False),
    Column("last_used_at", UtcDateTime(), nullable=False),
    Column("tokens", Text8(), info={"secret": True, **sealed(TOKENS_LABEL, TOKENS_PREFIX, "id")}),
    UniqueConstraint("issuer", "subject", name="uq_mainstay_federated_identities_issuer"),
    Index("ix_mainstay_federated_identities_user_id", "user_id"),
    info=CONTROL,
)

# What a front end exchanges for tokens: digests, each deleted by whoever uses it.
codes = Table(
    "mainstay_federation_codes",
    metadata,
    Column("digest", Text8(), primary_key=True, info={"secret": True}),
    Column("user_id", UuidText(), ForeignKey("mainstay_users.id"), nullable=False),
    Column("challenge", Text8(), nullable=False),
    Column("expires_at", UtcDateTime(), nullable=False),
    Index("ix_mainstay_federation_codes_expires_at", "expires_at"),
    info=CONTROL,
)

# States that came back: each comes once.
spent = Table(
    "mainstay_federation_spent",
    metadata,
    Column("digest", Text8(), primary_key=True),
    Column("expires_at", UtcDateTime(), nullable=False),
    Index("ix_mainstay_federation_spent_expires_at", "expires_at"),
    info=CONTROL,
)

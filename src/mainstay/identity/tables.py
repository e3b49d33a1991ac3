"""The control-plane tables that every flow of the identity room knows. An area's own stand in its folder."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, PrimaryKeyConstraint, Table, true

from mainstay.identity.sealing.sealed_column import sealed
from mainstay.storage.types import Boolean, JsonText, Text8, UtcDateTime, UuidText

metadata = MetaData()
CONTROL = {"plane": "control"}

users = Table(
    "mainstay_users",
    metadata,
    Column("id", UuidText(), primary_key=True),
    Column("email", Text8(), nullable=False, unique=True),  # normalised
    Column("active", Boolean(), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("updated_at", UtcDateTime(), nullable=False),
    Column("username", Text8()),  # normalised
    Column("email_verified_at", UtcDateTime()),
    Column("display_name", Text8()),
    Column("language", Text8()),  # BCP 47
    Column("deletion_at", UtcDateTime()),  # from then on the account is erased
    Index("ix_mainstay_users_username", "username", unique=True),
    Index("ix_mainstay_users_deletion_at", "deletion_at"),
    info=CONTROL,
)

credentials = Table(
    "mainstay_credentials",
    metadata,
    Column("user_id", UuidText(), ForeignKey("mainstay_users.id"), nullable=False),
    Column("kind", Text8(), nullable=False),  # "password"; passkeys and others come beside it
    Column("secret", Text8(), nullable=False),
    Column("updated_at", UtcDateTime(), nullable=False),
    # Of which kind and cost the secret is: `credentials.forms`. NULL in rows of versions before it.
    Column("form", Text8(), info={"secret": True}),
    PrimaryKeyConstraint("user_id", "kind"),
    Index("ix_mainstay_credentials_form", "form"),
    info=CONTROL,
)

# A session, and the family of tokens that descend from one sign-in: they are numbered, and none of them is stored.
sessions = Table(
    "mainstay_sessions",
    metadata,
    Column("id", UuidText(), primary_key=True),
    Column("user_id", UuidText(), ForeignKey("mainstay_users.id"), nullable=False),
    Column("tenant_id", UuidText(), nullable=False),
    Column("scopes", JsonText()),  # NULL: everything its roles give
    Column("user_agent", Text8()),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("last_used_at", UtcDateTime(), nullable=False),
    Column("expires_at", UtcDateTime(), nullable=False),
    Column("methods", JsonText(), nullable=False),  # RFC 8176 names, sorted
    Column("authenticated_at", UtcDateTime()),  # the last proof; NULL in rows older than this column: created_at
    Column("impersonator_id", UuidText()),
    Column("remembered", Boolean(), nullable=False),
    Column("address", Text8()),
    Column("kind", Text8(), nullable=False),  # "bearer" or "cookie"
    # Half of what its tokens are made from; the other half is the master key, and neither is enough.
    Column("salt", Text8(), nullable=False, info={"secret": True}),
    Column("turn", BigInteger(), nullable=False),  # grows with every change of the family
    Column("ended_at", UtcDateTime()),
    Column("end_reason", Text8()),
    # The family (tokens.family.Family), in columns that one statement can move on.
    Column("number", BigInteger(), nullable=False, server_default="0"),  # of the current token
    Column("parent", BigInteger()),
    Column("seen", Boolean(), nullable=False, server_default=true()),
    Column("past", Text8(), nullable=False, server_default=""),
    Column("lost", Text8(), nullable=False, server_default=""),
    Index("ix_mainstay_sessions_user_id", "user_id"),
    Index("ix_mainstay_sessions_expires_at", "expires_at"),
    info=CONTROL,
)

# Deeds that are done once in the life of a database, by whichever worker comes first.
deeds = Table(
    "mainstay_deeds",
    metadata,
    Column("name", Text8(), primary_key=True),
    Column("done_at", UtcDateTime(), nullable=False),
    info=CONTROL,
)

# The columns of a Session, in its order.
SESSION_COLUMNS = tuple(sessions.c)[:14]
# The columns of a Family, in its order.
FAMILY_COLUMNS = tuple(sessions.c)[-5:]

signing_keys = Table(
    "mainstay_signing_keys",
    metadata,
    # Two workers that both find no key both try to write generation 1; one of them is refused and takes the other's.
    Column("generation", Integer(), primary_key=True, autoincrement=False),
    Column("kid", Text8(), nullable=False, unique=True),
    Column("sealed", Text8(), nullable=False, info=sealed("identity/signing-keys", b"mainstay/signing-key/", "kid")),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("retired_at", UtcDateTime()),
    Column("algorithm", Text8()),  # NULL: ES256
    Column("signs_from", UtcDateTime()),  # NULL: since it was made
    Column("verifies_until", UtcDateTime()),
    Column("revoked_at", UtcDateTime()),
    info=CONTROL,
)

# What every process must stop believing. A row is needed for a few minutes, then swept.
revocations = Table(
    "mainstay_revocations",
    metadata,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("user_id", UuidText()),  # NULL: everybody
    Column("session_id", UuidText()),  # NULL: every session of the user
    Column("at", UtcDateTime(), nullable=False),
    Index("ix_mainstay_revocations_at", "at"),
    info=CONTROL,
    # Without it SQLite hands out the highest numbers again after a sweep, and pollers would not look at them.
    sqlite_autoincrement=True,
)

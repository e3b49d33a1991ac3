"""Authenticator apps, recovery codes, passkeys, and what is used once while one of them is asked for."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table

from mainstay.identity.sealing.sealed_column import sealed
from mainstay.identity.tables import CONTROL, metadata
from mainstay.storage.types import Boolean, JsonText, Text8, UtcDateTime, UuidText

TOTP_LABEL, TOTP_PREFIX = "identity/factors/totp", b"mainstay/totp/"
SECRET = {"secret": True}

# The shared secret of an authenticator app. It is a factor once a code of it was shown.
totp = Table(
    "mainstay_totp",
    metadata,
    Column("user_id", UuidText(), ForeignKey("mainstay_users.id"), primary_key=True),
    Column("sealed", Text8(), nullable=False, info={**SECRET, **sealed(TOTP_LABEL, TOTP_PREFIX, "user_id")}),
    Column("last_step", BigInteger(), nullable=False),  # RFC 6238 §5.2: the step of the newest code that was taken
    Column("created_at", UtcDateTime(), nullable=False),
    Column("confirmed_at", UtcDateTime()),
    info=CONTROL,
)

# 80 random bits each: a digest gives none of them away.
recovery_codes = Table(
    "mainstay_recovery_codes",
    metadata,
    Column("user_id", UuidText(), ForeignKey("mainstay_users.id"), nullable=False),
    Column("digest", Text8(), nullable=False, info=SECRET),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("used_at", UtcDateTime()),
    PrimaryKeyConstraint("user_id", "digest"),
    info=CONTROL,
)

passkeys = Table(
    "mainstay_passkeys",
    metadata,
    Column("id", UuidText(), primary_key=True),
    Column("user_id", UuidText(), ForeignKey("mainstay_users.id"), nullable=False),
    Column("credential_id", Text8(), nullable=False, unique=True),  # base64url, as browsers spell it
    Column("public_key", Text8(), nullable=False),  # COSE, base64url
    Column("sign_count", BigInteger(), nullable=False),  # 0 for ever where the authenticator does not count
    Column("name", Text8(), nullable=False),
    Column("transports", JsonText(), nullable=False),
    Column("aaguid", Text8(), nullable=False),
    Column("synced", Boolean(), nullable=False),  # may be on several devices (WebAuthn: backup eligible)
    Column("created_at", UtcDateTime(), nullable=False),
    Column("last_used_at", UtcDateTime()),
    Index("ix_mainstay_passkeys_user_id", "user_id"),
    info=CONTROL,
)

# What was begun and is finished once: a sign-in that waits for its second step, a passkey's challenge.
tickets = Table(
    "mainstay_factor_tickets",
    metadata,
    Column("digest", Text8(), primary_key=True, info=SECRET),
    Column("purpose", Text8(), nullable=False),
    Column(
        "user_id", UuidText(), ForeignKey("mainstay_users.id")
    ),  # NULL in those of a version before, of a sign-in without a name
    Column("session_id", UuidText()),
    Column("kind", Text8(), nullable=False),  # of the session that is wanted: "bearer" or "cookie"
    Column("wishes", JsonText(), nullable=False),  # how the session is wanted, and what was proved so far
    Column("challenge", Text8(), info=SECRET),
    Column("attempts", Integer(), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("expires_at", UtcDateTime(), nullable=False),
    Index("ix_mainstay_factor_tickets_expires_at", "expires_at"),
    Index("ix_mainstay_factor_tickets_user_id", "user_id"),
    info=CONTROL,
)

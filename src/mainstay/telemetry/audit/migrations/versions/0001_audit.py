"""The audit: its queue, its chains, and the triggers that keep entries as they are."""

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import Integer64, JsonText, Text8, UtcDateTime, UuidText

revision = "audit_0001"
down_revision = None
branch_labels = None
depends_on = None

REFUSAL = "The audit log is append-only."
COVERED = "SELECT 1 FROM mainstay_audit_checkpoints c WHERE c.tenant_id = OLD.tenant_id AND OLD.seq <= c.seq"
SQLITE = (
    "CREATE TRIGGER mainstay_audit_unchanged BEFORE UPDATE ON mainstay_audit "
    f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    "CREATE TRIGGER mainstay_audit_undeleted BEFORE DELETE ON mainstay_audit "
    f"WHEN NOT EXISTS ({COVERED}) BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
)
POSTGRES = (
    "CREATE FUNCTION mainstay_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"IF TG_OP = 'DELETE' THEN IF EXISTS ({COVERED}) THEN RETURN OLD; END IF; END IF; "
    f"RAISE EXCEPTION '{REFUSAL}'; END $$",
    "CREATE TRIGGER mainstay_audit_unchanged BEFORE UPDATE OR DELETE ON mainstay_audit "
    "FOR EACH ROW EXECUTE FUNCTION mainstay_audit_refuse()",
    "CREATE TRIGGER mainstay_audit_untruncated BEFORE TRUNCATE ON mainstay_audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION mainstay_audit_refuse()",
)


def upgrade() -> None:
    """Make the tables and the triggers."""
    op.create_table(
        "mainstay_audit_queue",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("tenant_id", UuidText()),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("content", JsonText(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "mainstay_audit",
        sa.Column("tenant_id", UuidText(), nullable=False),
        sa.Column("seq", Integer64(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("name", Text8(), nullable=False),
        sa.Column("actor_id", UuidText()),
        sa.Column("impersonator_id", UuidText()),
        sa.Column("user_id", UuidText()),
        sa.Column("session_id", UuidText()),
        sa.Column("request_id", Text8()),
        sa.Column("subject", Text8()),
        sa.Column("origin", Text8()),
        sa.Column("details", Text8()),
        sa.Column("previous", Text8(), nullable=False),
        sa.Column("hash", Text8(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "seq"),
    )
    op.create_index("ix_mainstay_audit_actor_id", "mainstay_audit", ["actor_id"])
    op.create_index("ix_mainstay_audit_user_id", "mainstay_audit", ["user_id"])
    for name, more in (("heads", []), ("checkpoints", [sa.Column("at", UtcDateTime(), nullable=False)])):
        op.create_table(
            f"mainstay_audit_{name}",
            sa.Column("tenant_id", UuidText(), primary_key=True),
            sa.Column("seq", Integer64(), nullable=False),
            sa.Column("hash", Text8(), nullable=False),
            sa.Column("seal", Text8(), nullable=False),
            *more,
        )
    op.create_table(
        "mainstay_audit_keys",
        sa.Column("holder", Text8(), primary_key=True),
        sa.Column("sealed", Text8()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("destroyed_at", UtcDateTime()),
    )
    op.create_table(
        "mainstay_audit_state",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("position", Integer64(), nullable=False),
    )
    # What was done before there was an audit stays out of it.
    op.execute(
        "INSERT INTO mainstay_audit_state (id, position) "
        "VALUES (1, coalesce((SELECT max(numbered) FROM mainstay_relay), 0))"
    )
    for statement in POSTGRES if op.get_context().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.drop_table("mainstay_audit")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION mainstay_audit_refuse()")
    for name in ("audit_queue", "audit_heads", "audit_checkpoints", "audit_keys", "audit_state"):
        op.drop_table(f"mainstay_{name}")

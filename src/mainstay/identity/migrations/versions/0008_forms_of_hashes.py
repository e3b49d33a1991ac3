"""Of which kind and cost each hash is: every refused sign-in compares with one of each."""

import sqlalchemy as sa
from alembic import op

from mainstay.storage.types import Text8

revision = "identity_0008"
down_revision = "identity_0007"
branch_labels = None
depends_on = None

# `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`: what stands between the first sign and the salt, without patterns.
IN_SQLITE = """
UPDATE mainstay_credentials SET form = substr(
    secret, 2, instr(secret, '$v=19$') + 3 + instr(substr(secret, instr(secret, '$v=19$') + 6), '$')
) WHERE secret LIKE '$argon2%$v=19$%'
"""
IN_POSTGRESQL = r"""
UPDATE mainstay_credentials SET form = substring(secret from '^\$(argon2[a-z]+\$v=19\$m=[0-9]+,t=[0-9]+,p=[0-9]+)\$')
WHERE secret LIKE '$argon2%'
"""
BCRYPT = "UPDATE mainstay_credentials SET form = 'bcrypt$' || substr(secret, 5, 2) WHERE secret LIKE '$2_$__$%'"


def upgrade() -> None:
    op.add_column("mainstay_credentials", sa.Column("form", Text8()))
    op.execute(IN_POSTGRESQL if op.get_context().dialect.name == "postgresql" else IN_SQLITE)
    op.execute(BCRYPT)
    op.create_index("ix_mainstay_credentials_form", "mainstay_credentials", ["form"])


def downgrade() -> None:
    op.drop_index("ix_mainstay_credentials_form", "mainstay_credentials")
    op.drop_column("mainstay_credentials", "form")

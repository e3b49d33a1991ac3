"""Store a new hash for a password."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, update

from mainstay.identity.ports import Step
from mainstay.identity.tables import credentials as t
from mainstay.storage.control import ControlPlane

# `was` keeps a rehash, which happens beside other sign-ins, from overwriting a password that was changed meanwhile.
REPLACE_SECRET = (
    update(t)
    .where(t.c.user_id == bindparam("user"), t.c.kind == "password", t.c.secret == bindparam("was"))
    .values(secret=bindparam("secret"), updated_at=bindparam("now"))
)


def replace_hash(control: ControlPlane, user_id: UUID, was: str, secret: str, now: datetime) -> Step:
    """The step that replaces the hash `was` by another of the same password."""
    return control.step(REPLACE_SECRET, user=user_id, was=was, secret=secret, now=now)

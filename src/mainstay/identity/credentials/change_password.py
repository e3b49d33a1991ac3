"""Store a hash of a password: of a new one, or a better one of the same."""

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, update
from sqlalchemy.dialects import postgresql, sqlite

from mainstay.identity.credentials.forms import form_of
from mainstay.identity.ports import Step
from mainstay.identity.tables import credentials as t
from mainstay.storage.control import ControlPlane

# `was` keeps a rehash, which happens beside other sign-ins, from overwriting a password that was changed meanwhile.
# `updated_at` stays: it says since when the password is what it is.
REPLACE_SECRET = (
    update(t)
    .where(t.c.user_id == bindparam("user"), t.c.kind == "password", t.c.secret == bindparam("was"))
    .values(secret=bindparam("secret"), form=bindparam("form"))
)
DROP_SECRET = delete(t).where(t.c.user_id == bindparam("user"), t.c.kind == "password")


def replace_hash(control: ControlPlane, user_id: UUID, was: str, secret: str) -> Step:
    """The step that replaces the hash `was` by another of the same password."""
    return control.step(REPLACE_SECRET, user=user_id, was=was, secret=secret, form=form_of(secret))


def set_hash(control: ControlPlane, user_id: UUID, secret: str, now: datetime) -> Step:
    """The step that makes this the user's password, whether or not there was one."""
    values = {"user_id": user_id, "kind": "password", "secret": secret, "updated_at": now, "form": form_of(secret)}
    return control.step(_set(control.dialect.name), **values)


def drop_password(control: ControlPlane, user_id: UUID) -> Step:
    """The step after which the user has no password."""
    return control.step(DROP_SECRET, user=user_id)


@lru_cache(maxsize=2)
def _set(dialect: str) -> Any:
    make: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    add = make(t).values({c.name: bindparam(c.name) for c in t.c})
    changed = {name: add.excluded[name] for name in ("secret", "updated_at", "form")}
    return add.on_conflict_do_update(index_elements=["user_id", "kind"], set_=changed)

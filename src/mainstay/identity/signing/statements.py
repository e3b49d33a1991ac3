"""The statements over mainstay_signing_keys."""

from sqlalchemy import bindparam, insert, or_, select, update

from mainstay.identity.tables import signing_keys as t

LIST_KEYS = select(*t.c).order_by(t.c.generation)
ADD_KEY = insert(t).values(
    {name: bindparam(name) for name in ("generation", "kid", "sealed", "algorithm", "created_at", "signs_from")}
)
# Whoever signs, or was to sign later, stops when another begins.
RETIRE_OTHERS = (
    update(t)
    .where(
        t.c.generation != bindparam("but"),
        or_(t.c.retired_at.is_(None), t.c.retired_at > bindparam("at")),
        t.c.revoked_at.is_(None),
    )
    .values(retired_at=bindparam("at"), verifies_until=bindparam("until"))
)
BRING_FORWARD = update(t).where(t.c.generation == bindparam("which")).values(signs_from=bindparam("at"))
RETIRE = (
    update(t)
    .where(t.c.generation == bindparam("which"))
    .values(retired_at=bindparam("at"), verifies_until=bindparam("until"))
)
REVOKE = (
    update(t)
    .where(t.c.kid == bindparam("which"), t.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"), sealed="")
    .returning(t.c.generation)
)
# The private half of a key that verifies no more is of use to nobody but a thief.
ERASE = update(t).where(t.c.verifies_until <= bindparam("at"), t.c.sealed != "").values(sealed="")

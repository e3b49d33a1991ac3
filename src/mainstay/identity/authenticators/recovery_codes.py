"""Recovery codes: for who has lost everything else; shown once, each good once."""

import hashlib
import secrets
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from mainstay.identity.authenticators.tables import recovery_codes as t
from mainstay.identity.ports import Step
from mainstay.identity.room import Room

# Crockford's: without letters that look like digits. 16 of 32 are 80 bits.
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH, GROUP = 16, 4
_LOOKS_LIKE = str.maketrans("ilo", "110")
ADD = insert(t).values({c.name: bindparam(c.name) for c in t.c})
DROP = delete(t).where(t.c.user_id == bindparam("user"))
LEFT = select(t.c.digest).where(t.c.user_id == bindparam("user"), t.c.used_at.is_(None))
# Of two that show one code at once one gets a row.
USE = (
    update(t)
    .where(t.c.user_id == bindparam("user"), t.c.digest == bindparam("digest_"), t.c.used_at.is_(None))
    .values(used_at=bindparam("now"))
    .returning(t.c.digest)
)


def new_codes(count: int) -> list[str]:
    """Such as `k7qd-m3xw-9tzf-2hbn`."""
    drawn = ("".join(secrets.choice(LETTERS) for _ in range(LENGTH)) for _ in range(count))
    return ["-".join(code[at : at + GROUP] for at in range(0, LENGTH, GROUP)) for code in drawn]


def digest(user_id: UUID, code: str) -> str:
    """What is kept of a code, however it was typed."""
    typed = "".join(letter for letter in code.lower() if letter.isalnum()).translate(_LOOKS_LIKE)
    return hashlib.sha256(f"{user_id}\0{typed}".encode("utf-8", "replace")).hexdigest()


def drop_codes(room: Room, user_id: UUID) -> Step:
    """The step after which there are none."""
    return room.control.step(DROP, user=user_id)


def replace_codes(room: Room, user_id: UUID, codes: Sequence[str]) -> list[Step]:
    """The steps after which these are good, and no others."""
    now = room.now()
    added = [
        room.control.step(ADD, user_id=user_id, digest=digest(user_id, code), created_at=now, used_at=None)
        for code in codes
    ]
    return [drop_codes(room, user_id), *added]


def use_code(room: Room, user_id: UUID, digested: str) -> Step:
    """The guard that uses one up."""
    return room.control.step(USE, user=user_id, digest_=digested, now=room.now())

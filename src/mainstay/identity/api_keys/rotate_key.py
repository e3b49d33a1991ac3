"""Give a key a new secret; the old one still opens it for a while, so that programs can be changed one by one."""

from collections.abc import Generator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update

from mainstay.base.errors import Conflict, FieldError, Forbidden, NotFound
from mainstay.identity.api_keys import secret as spelling
from mainstay.identity.api_keys.api_key import Maker, NewKey, key_of
from mainstay.identity.api_keys.create_key import add_secret, fact
from mainstay.identity.api_keys.list_keys import ONE
from mainstay.identity.api_keys.owners import hold_owner
from mainstay.identity.api_keys.tables import api_key_secrets as s
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows

# A second rotation inside the overlap leaves one old secret, not two: those before the newest end at once.
END_OLDER = (
    update(s)
    .where(s.c.key_id == bindparam("key"), s.c.replaced_at > bindparam("now"))
    .values(replaced_at=bindparam("now"))
)
REPLACE = (
    update(s).where(s.c.key_id == bindparam("key"), s.c.replaced_at.is_(None)).values(replaced_at=bindparam("until"))
)


async def rotate_key(room: Room, maker: Maker, owner: UUID, key: UUID, overlap: int | None = None) -> NewKey:
    """The key with a new secret. The one before opens it for `overlap` seconds more, an hour unless told.

    Raises NotFound for a key that is not the owner's in the maker's tenant, was revoked or has expired; Forbidden for
    one that may do more than the maker; Conflict for an overlap of more than `options.api_keys.longest_overlap`.
    """
    options, now = room.options.api_keys, room.now()
    seconds = options.overlap if overlap is None else overlap
    if not 0 <= seconds <= options.longest_overlap:
        message = f"The old secret may be good for 0 to {options.longest_overlap} seconds more."
        raise Conflict(message, code="overlap_too_long", errors=[FieldError(("body", "overlap"), "range", message)])
    secret = spelling.new_secret()
    made: NewKey = await room.control.write(_rotate(room, maker, owner, key, secret, now, seconds))
    room.revocations.applied(owner)
    return made


def _rotate(
    room: Room, maker: Maker, owner: UUID, key: UUID, secret: str, now: datetime, seconds: int
) -> Generator[Step, Rows, Any]:
    yield from hold_owner(room, owner, maker.tenant_id)
    step = room.control.step(ONE, owner=owner, tenant=maker.tenant_id, key=key)
    rows = room.control.read(ONE, (yield step))
    found = key_of(rows[0]) if rows else None
    if found is None or (found.expires_at is not None and found.expires_at <= now):
        raise NotFound("There is no such key.")
    if missing := found.scopes - maker.scopes:
        # Its new secret would be in the maker's hands.
        raise Forbidden.missing_scopes(*missing)
    yield room.control.step(END_OLDER, key=key, now=now)
    yield room.control.step(REPLACE, key=key, until=now + timedelta(seconds=seconds))
    yield add_secret(room, key, secret, now)
    yield from in_turn(room.revocations.steps(owner))
    yield from in_turn(room.journal.steps(fact(found, "api_key.rotated")))
    return NewKey(replace(found, hint=spelling.hint(secret)), secret)

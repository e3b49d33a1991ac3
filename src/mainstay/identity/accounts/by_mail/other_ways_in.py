"""What opens an account beside its password, taken away where somebody else set it up.

Whoever signed up did not read the letters sent to the address. When somebody does, the account is theirs from then on,
and nothing that the former set up opens it (Sudhodanan and Paverd, "Pre-hijacked accounts", 2022).
"""

from collections.abc import Iterator
from functools import cache
from uuid import UUID

from sqlalchemy import Delete, Update, bindparam, delete, update

from mainstay.identity.accounts.by_mail.letter_token import void_tokens
from mainstay.identity.authenticators.remove_all import remove_all
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.tables import metadata

# By name: the areas of these tables stand above this one.
KEYS = "mainstay_api_keys"
TAKEN = ("mainstay_federated_identities", "mainstay_federation_codes")


def drop_others(room: Room, user_id: UUID) -> Iterator[Step]:
    """The steps after which factors, API keys, identities with providers and letters under way are gone."""
    yield from remove_all(room, user_id)
    yield void_tokens(room, user_id)
    yield room.control.step(_revoke(), user=user_id, now=room.now())
    for name in TAKEN:
        yield room.control.step(_delete(name), user=user_id)


@cache
def _revoke() -> Update:
    keys = metadata.tables[KEYS]
    theirs = (keys.c.user_id == bindparam("user")) & keys.c.revoked_at.is_(None)
    return update(keys).where(theirs).values(revoked_at=bindparam("now"))


@cache
def _delete(name: str) -> Delete:
    table = metadata.tables[name]
    return delete(table).where(table.c.user_id == bindparam("user"))

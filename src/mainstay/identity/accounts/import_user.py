"""Users from elsewhere, with the hashes of their passwords."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import argon2

from mainstay.base.errors import FieldError, Invalid
from mainstay.base.ids import uuid7
from mainstay.identity.accounts.new_user import add_unless_there, belongings, values_of
from mainstay.identity.accounts.user import User
from mainstay.identity.catalogue import USER
from mainstay.identity.credentials import bcrypt_hash
from mainstay.identity.email_address import require_address
from mainstay.identity.room import Room
from mainstay.identity.username import normalise_username, require_username
from mainstay.storage.control import in_turn

COLUMNS = (
    "id",
    "email",
    "username",
    "display_name",
    "language",
    "password_hash",
    "email_verified",
    "active",
    "created_at",
)
# More than these would let one sign-in take the machine.
MOST_MEMORY_KIB, MOST_PASSES, MOST_LANES = 1024 * 1024, 20, 16
_ARGON = re.compile(r"\$argon2(id|i|d)\$v=19\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+")


async def import_user(
    room: Room, row: Mapping[str, Any], roles: Sequence[str] = (USER,), tenant: UUID | None = None
) -> User | None:
    """The user of one row of `COLUMNS`, of which `email` alone must be there; None where the address, the username or
    the id has an account already.

    A hash is Argon2 with any parameters, or bcrypt; the first sign-in makes it anew. Raises Invalid, and
    ConfigurationError for a bcrypt hash without the driver.
    """
    unknown = sorted(set(row) - set(COLUMNS))
    if unknown:
        raise _invalid(unknown[0], f"There is no column {unknown[0]}; there are {', '.join(COLUMNS)}.")
    email = require_address(str(row.get("email") or ""))
    secret = row.get("password_hash") or None
    if secret is not None:
        require_hash(str(secret))
        await room.forms.require_room(str(secret))
    now = room.now()
    created = _moment(row.get("created_at"), now)
    verified = _flag(row, "email_verified", True)
    user = User(
        id=_id(row.get("id")),
        email=email,
        active=_flag(row, "active", True),
        created_at=created,
        username=require_username(normalise_username(str(row["username"]))) if row.get("username") else None,
        email_verified_at=created if verified else None,
        display_name=str(row["display_name"]) if row.get("display_name") else None,
        language=str(row["language"]) if row.get("language") else None,
    )
    made: bool = await room.control.write(_import(room, user, secret, roles, tenant))
    room.forms.look_again()
    return user if made else None


def require_hash(secret: str) -> None:
    """Raises Invalid for a hash that no password could be compared with, or that would take too long."""
    bcrypted = bcrypt_hash.FORM.fullmatch(secret)
    if bcrypted is not None:
        if not 4 <= int(bcrypted[1]) <= bcrypt_hash.HIGHEST_COST:
            raise _invalid("password_hash", f"This bcrypt hash costs more than {bcrypt_hash.HIGHEST_COST}.")
        bcrypt_hash.require_driver()
        return
    if _ARGON.fullmatch(secret) is None:
        raise _invalid("password_hash", "This is no Argon2 and no bcrypt hash.")
    used = argon2.extract_parameters(secret)
    if used.memory_cost > MOST_MEMORY_KIB or used.time_cost > MOST_PASSES or used.parallelism > MOST_LANES:
        raise _invalid("password_hash", "This Argon2 hash takes more memory or time than a sign-in may.")


def _import(room: Room, user: User, secret: str | None, roles: Sequence[str], tenant: UUID | None) -> Any:
    add = add_unless_there(room.control.dialect.name)
    if not (yield room.control.step(add, **values_of(user))):
        return False
    yield from in_turn(belongings(room, user, secret, roles, tenant))
    return True


def _id(given: Any) -> UUID:
    try:
        return uuid7() if not given else UUID(str(given))
    except ValueError:
        raise _invalid("id", "This is no UUID.") from None


def _flag(row: Mapping[str, Any], name: str, default: bool) -> bool:
    given = row.get(name)
    if given is None or given == "":
        return default
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    found = known.get(str(given).strip().lower())
    if found is None:
        raise _invalid(name, "This is true or false.")
    return found


def _moment(given: Any, default: datetime) -> datetime:
    if not given:
        return default
    try:
        found = datetime.fromisoformat(str(given))
    except ValueError:
        raise _invalid("created_at", "This is no moment; write 2026-11-21T12:00:00Z.") from None
    if found.tzinfo is None:
        raise _invalid("created_at", "This moment has no time zone; write 2026-11-21T12:00:00Z.")
    return found


def _invalid(column: str, message: str) -> Invalid:
    return Invalid(message, errors=[FieldError((column,), "import", message)])

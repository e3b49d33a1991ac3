"""Whether a name and a password are somebody's: looked up, counted, compared, and the same for names nobody has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from mainstay.identity.credentials.change_password import replace_hash
from mainstay.identity.credentials.tables import known_addresses
from mainstay.identity.credentials.throttle import Counted
from mainstay.identity.email_address import MAXIMUM, normalise
from mainstay.identity.errors import WrongCredentials, WrongPassword
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.tables import credentials, users

_secret = and_(credentials.c.user_id == users.c.id, credentials.c.kind == "password")
_of_user = and_(credentials.c.user_id == bindparam("user"), credentials.c.kind == "password")
_known = and_(known_addresses.c.user_id == users.c.id, known_addresses.c.address == bindparam("seen_from"))
# Usernames hold no @, so that one name finds one user at most.
FIND = (
    select(
        users.c.id,
        users.c.active,
        users.c.email_verified_at,
        credentials.c.secret,
        credentials.c.updated_at,
        known_addresses.c.last_at,
    )
    .select_from(users.outerjoin(credentials, _secret).outerjoin(known_addresses, _known))
    .where(or_(users.c.email == bindparam("name"), users.c.username == bindparam("name")))
)
FIND_OWN = (
    select(users.c.active, credentials.c.secret).join(credentials, _secret).where(users.c.id == bindparam("user"))
)
# Whoever signs in wants their account. No row where it was shut or erased meanwhile.
KEEP = (
    update(users)
    .where(users.c.id == bindparam("user"), users.c.active == true())
    .values(deletion_at=None)
    .returning(users.c.id)
)
# Holds the row until the session is stored: a password that is being changed ends this session, or refuses it.
STILL = (
    update(credentials)
    .where(_of_user, credentials.c.updated_at == bindparam("since"))
    .values(updated_at=credentials.c.updated_at)
    .returning(credentials.c.user_id)
)
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Proven:
    """Whose the password is, and what is to be written together with what they came for."""

    user_id: UUID
    steps: Sequence[Step]
    guards: Sequence[Step] = ()


async def prove_password(
    room: Room, login: str, password: str, address: str | None, device: str | None = None
) -> Proven:
    """The user with this e-mail address or username and this password, trying from this client address. `device` is
    what the client has kept of a sign-in before.

    Raises WrongCredentials, with one text and after one length of time for a wrong password, an unknown name, a shut
    account, one without a password, and one whose address must be confirmed first; TooManyRequests where it has to
    wait, whether or not there is such an account; Unavailable when too many passwords are being checked.
    """
    name = _searched(login)
    async with room.hashing.turn() as turn:
        rows = await room.control.fetch(FIND, name=name, seen_from=room.throttle.digest(address or ""))
        user_id, active, verified_at, secret, since, known = rows[0] if rows else (None, False, None, None, None, None)
        named = room.devices.device_of(user_id, device)
        counted = await room.throttle.admit("proof", name or login, address, known is not None, device=named)
        # Who may not enter is compared with nobody's hash: what is refused takes one length of time.
        compared = secret if _may_enter(room, active, verified_at) else None
        match = await turn.verify(compared, password, await room.forms.present())
        if user_id is None or secret is None or not match.right:
            if secret is not None:
                room.forms.saw(secret)
            await room.journal.tell(Fact("session.refused", user_id, details={"name": name}))
            raise WrongCredentials
        steps = arrived(room, user_id, counted, address, known)
        if match.outdated:
            steps.append(replace_hash(room.control, user_id, secret, await turn.hash(password)))
    guards = (still_there(room, user_id), room.control.step(STILL, user=user_id, since=since))
    return Proven(user_id, steps, guards)


async def prove_own_password(room: Room, user_id: UUID, password: str, address: str | None) -> Proven:
    """The signed-in user once more, before something that a stolen session must not do.

    Raises WrongPassword, also for an account without one; TooManyRequests; Unavailable.
    """
    async with room.hashing.turn() as turn:
        rows = await room.control.fetch(FIND_OWN, user=user_id)
        active, secret = rows[0] if rows else (False, None)
        counted = await room.throttle.admit("proof", str(user_id), address, own=True)
        match = await turn.verify(secret, password)
        if secret is None or not match.right or not active:
            await room.journal.tell(Fact("password.refused", user_id))
            raise WrongPassword("This is not the password of this account.")
    return Proven(user_id, room.throttle.right(counted))


def arrived(
    room: Room, user_id: UUID, counted: Counted | None, address: str | None, last_at: datetime | None = None
) -> list[Step]:
    """The steps of everybody who signs in, whatever the proof: the address is known from now on.

    `last_at` is when it was noted before; what is noted as of today is not written again.
    """
    steps = [] if counted is None else list(room.throttle.right(counted))
    if address and (last_at is None or room.now() - last_at >= A_DAY):
        known = _remember(room.control.dialect.name)
        seen_from = room.throttle.digest(address)
        steps.append(room.control.step(known, user_id=user_id, address=seen_from, last_at=room.now()))
    return steps


def still_there(room: Room, user_id: UUID) -> Step:
    """The guard of everybody who signs in: the account is open, and if it was to be deleted, it is not any more."""
    return room.control.step(KEEP, user=user_id)


def _may_enter(room: Room, active: bool, verified_at: datetime | None) -> bool:
    return active and (verified_at is not None or not room.options.accounts.verified)


def _searched(login: str) -> str:
    name = normalise(login)
    # No database holds such a name, and PostgreSQL would not even look for one with NUL in it.
    return name if len(name) <= MAXIMUM and name.isascii() and name.isprintable() else ""


@lru_cache(maxsize=2)
def _remember(dialect: str) -> Any:
    make: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    add = make(known_addresses).values({c.name: bindparam(c.name) for c in known_addresses.c})
    return add.on_conflict_do_update(index_elements=["user_id", "address"], set_={"last_at": add.excluded.last_at})

"""Make an account for somebody else."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mainstay.base.errors import FieldError, Forbidden
from mainstay.base.ids import uuid7
from mainstay.identity.accounts.new_user import add_user
from mainstay.identity.accounts.user import User
from mainstay.identity.administration.account import Account
from mainstay.identity.administration.entry.invite import invitation
from mainstay.identity.administration.find_accounts import require_account
from mainstay.identity.administration.standing import Administrator, require_may_give
from mainstay.identity.catalogue import USER
from mainstay.identity.email_address import require_address
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.username import require_username
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Whom an account is made for. `profile` holds the app's own fields: the required ones have to be there."""

    email: str
    roles: Iterable[str] = (USER,)
    password: str | None = None
    username: str | None = None
    display_name: str | None = None
    language: str | None = None
    profile: Mapping[str, Any] = field(default_factory=dict)


async def create_account(room: Room, by: Administrator, wanted: NewAccount) -> Account:
    """A member of the administrator's tenant. Without a password an invitation lets them choose one; with one their
    address counts as confirmed.

    Only an operator may choose the password: an administrator of one tenant who knew it could follow the account into
    the next. Raises Invalid, Forbidden, Conflict, EmailTaken or UsernameTaken.
    """
    roles = require_may_give(room, by, frozenset(wanted.roles) or {USER})
    address, now = require_address(wanted.email), room.now()
    name = None if wanted.username is None else require_username(wanted.username)
    profile = room.fields.accept_new(wanted.profile)
    user = User(uuid7(), address, True, now, name, None, wanted.display_name, wanted.language)
    secret = None
    if wanted.password is not None:
        secret = await _hashed(room, by, user, wanted.password)
        user = replace(user, email_verified_at=now)
    await room.control.write(_create(room, by, user, roles, secret, profile))
    return await require_account(room, by, user.id)


async def _hashed(room: Room, by: Administrator, user: User, password: str) -> str:
    if not by.operates:
        message = "Leave the password out: its owner chooses it."
        raise Forbidden(message, code="password_refused", errors=[FieldError(("body", "password"), "refused", message)])
    async with room.hashing.turn() as turn:
        await turn.work(lambda: room.passwords.check(password, (user.email, user.username, user.display_name)))
        return await turn.hash(password)


def _create(
    room: Room, by: Administrator, user: User, roles: Sequence[str], secret: str | None, profile: Mapping[str, Any]
) -> Generator[Step, Rows, None]:
    yield from add_user(room, user, secret, roles, by.tenant_id, profile)
    if secret is None:
        yield from invitation(room, by, user)
    fact = Fact("user.created", user.id, by.tenant_id, details={"roles": sorted(roles)})
    yield from in_turn(room.journal.steps(fact))

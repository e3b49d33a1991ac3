"""Make an account for somebody else."""

import asyncio
from collections.abc import Generator, Iterable, Sequence
from uuid import UUID

from mainstay.base.errors import FieldError, Forbidden
from mainstay.base.ids import uuid7
from mainstay.identity.accounts.by_mail.reset_password import set_password_steps
from mainstay.identity.accounts.new_user import add_user
from mainstay.identity.accounts.user import User
from mainstay.identity.administration.account import Account
from mainstay.identity.administration.standing import Administrator, require_may_give
from mainstay.identity.catalogue import USER
from mainstay.identity.email_address import require_address
from mainstay.identity.errors import EmailTaken
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.storage import errors
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows


async def create_account(
    room: Room, by: Administrator, email: str, roles: Iterable[str] = (USER,), password: str | None = None
) -> Account:
    """A member of the administrator's tenant with these roles. Without a password they choose one by a letter.

    Only an operator may choose the password: an administrator of one tenant who knew it could follow the account into
    the next. Raises Invalid, Forbidden or EmailTaken.
    """
    given = require_may_give(room, by, frozenset(roles) or {USER})
    address, secret = require_address(email), None
    if password is not None:
        if not by.operates:
            message = "Leave the password out: its owner chooses it."
            raise Forbidden(
                message, code="password_refused", errors=[FieldError(("body", "password"), "refused", message)]
            )
        await asyncio.to_thread(room.passwords.check, password, (address,))
        secret = await room.hashing.hash(password)
    user = User(uuid7(), address, True, room.now())
    try:
        await room.control.write(_create(room, by.tenant_id, user, given, secret))
    except errors.UniqueClash:
        raise EmailTaken from None
    return Account(user.id, user.email, True, user.created_at, frozenset(given), user.created_at)


def _create(
    room: Room, tenant: UUID, user: User, roles: Sequence[str], secret: str | None
) -> Generator[Step, Rows, None]:
    yield from add_user(room, user, secret, roles, tenant)
    if secret is None:
        yield from in_turn(set_password_steps(room, user.id, user.email))
    yield from in_turn(room.journal.steps(Fact("user.created", user.id, tenant, details={"roles": sorted(roles)})))

"""Create an account, and its first membership in the same transaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert

from mainstay.base.ids import uuid7
from mainstay.identity.accounts.user import User
from mainstay.identity.catalogue import USER
from mainstay.identity.credentials.password import check_password
from mainstay.identity.email_address import require_address
from mainstay.identity.errors import AlreadyDone, EmailTaken
from mainstay.identity.room import Room
from mainstay.identity.tables import credentials, deeds, users
from mainstay.storage import errors
from mainstay.storage.control import in_turn

ADD_USER = insert(users).values({c.name: bindparam(c.name) for c in users.c})
ADD_CREDENTIAL = insert(credentials).values({c.name: bindparam(c.name) for c in credentials.c})


ADD_DEED = insert(deeds).values({c.name: bindparam(c.name) for c in deeds.c})


async def create_user(
    room: Room,
    email: str,
    password: str,
    roles: Sequence[str] = (USER,),
    *,
    tenant: UUID | None = None,
    once: str | None = None,
) -> User:
    """The new user, a member of `tenant` or of the one where newcomers go.

    Raises Invalid for a bad address or password, EmailTaken where the address has an account.

    `once` names a deed that is done with this user and never again, by no worker: AlreadyDone, and no user.

    The password is hashed before the address is looked up, so that a taken one takes as long to answer.
    """
    address = require_address(email)
    check_password(password, address)
    secret = await room.hashing.hash(password)
    user = User(uuid7(), address, True, room.now())
    try:
        await room.control.write(_create(room, user, secret, roles, tenant, once))
    except errors.UniqueClash:
        raise EmailTaken from None
    return user


def _create(room: Room, user: User, secret: str, roles: Sequence[str], tenant: UUID | None, once: str | None) -> Any:
    at = user.created_at
    if once is not None:
        try:
            yield room.control.step(ADD_DEED, name=once, done_at=at)
        except errors.UniqueClash:
            raise AlreadyDone("This has been done before.") from None
    yield room.control.step(ADD_USER, id=user.id, email=user.email, active=user.active, created_at=at, updated_at=at)
    yield room.control.step(ADD_CREDENTIAL, user_id=user.id, kind="password", secret=secret, updated_at=at)
    yield from in_turn(room.memberships.welcome(user.id, roles, tenant))

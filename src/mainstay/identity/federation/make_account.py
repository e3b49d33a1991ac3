"""A new account for somebody who came with an identity that nobody here has."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from mainstay.base.ids import uuid7
from mainstay.identity.accounts.new_user import add_user
from mainstay.identity.accounts.user import User
from mainstay.identity.catalogue import USER
from mainstay.identity.errors import EmailTaken
from mainstay.identity.federation.desk import Desk
from mainstay.identity.federation.errors import AccountThere, EmailUnproved, ProofRefused, SignUpClosed
from mainstay.identity.federation.link_identity import OF_PERSON, add_identity
from mainstay.identity.federation.options import Provider
from mainstay.identity.federation.upstream.person import Person
from mainstay.identity.tables import users
from mainstay.storage import errors

OF_EMAIL = select(users.c.id).where(users.c.email == bindparam("email"))


async def make_account(desk: Desk, provider: Provider, person: Person, tokens: dict[str, Any]) -> UUID:
    """Its user. An account that has the address already stays as it is: it is linked by its owner, or not at all.

    Raises EmailUnproved, before anything is said about whose the address is; AccountThere, SignUpClosed.
    """
    room = desk.room
    # Without proof it could be anybody's: who comes with a stranger's address would wait in their account for them.
    if person.email is None or not person.email_proved:
        raise EmailUnproved
    if await room.control.fetch(OF_EMAIL, email=person.email):
        raise AccountThere
    if not provider.sign_up:
        raise SignUpClosed("No accounts are made by signing in with this provider.")
    now = room.now()
    user = User(uuid7(), person.email, True, now, None, now, person.name, None)
    try:
        await room.control.write(_create(desk, provider, user, person, tokens))
    except (errors.UniqueClash, EmailTaken):
        # Somebody was faster: the same person in another tab, or another with the same address.
        known = await room.control.fetch(OF_PERSON, issuer=person.issuer, subject=person.subject)
        if known:
            return UUID(str(known[0][1]))
        if await room.control.fetch(OF_EMAIL, email=person.email):
            raise AccountThere from None
        raise ProofRefused("the identity clashes with another") from None
    return user.id


def _create(desk: Desk, provider: Provider, user: User, person: Person, tokens: dict[str, Any]) -> Any:
    yield from add_user(desk.room, user, None, (USER,), None)
    yield from add_identity(desk, provider, user.id, person, tokens, "federation.signed_up")

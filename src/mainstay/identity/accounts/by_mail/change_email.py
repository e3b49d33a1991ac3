"""Another e-mail address: asked for with the password, confirmed from the new address, told to the old one."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, true, update

from mainstay.identity.accounts.by_mail.letter_token import (
    Purpose,
    add_decoy,
    add_token,
    link,
    new_token,
    spend,
    void_tokens,
)
from mainstay.identity.accounts.by_mail.steady import steady
from mainstay.identity.accounts.by_mail.write_letter import write_letter
from mainstay.identity.accounts.find_user import BY_ID, get_user
from mainstay.identity.accounts.user import User
from mainstay.identity.email_address import require_address
from mainstay.identity.errors import EmailTaken, LetterRefused
from mainstay.identity.events import Fact
from mainstay.identity.room import Room
from mainstay.identity.sessions.prove_password import prove_own_password
from mainstay.identity.tables import users as t
from mainstay.storage import errors
from mainstay.storage.control import in_turn

TAKEN = select(t.c.display_name, t.c.language).where(t.c.email == bindparam("email"))
CHANGE = (
    update(t)
    .where(t.c.id == bindparam("user"), t.c.email == bindparam("was"), t.c.active == true())
    .values(email=bindparam("address"), email_verified_at=bindparam("now"), updated_at=bindparam("now"))
    .returning(t.c.id)
)


async def ask_for_change(room: Room, user_id: UUID, email: str, password: str, client_address: str | None) -> None:
    """Send a letter to the new address; nothing changes before it is read. Whether the new address has an account
    already is told by letter, and not by the answer.

    Raises Invalid for what is no address, WrongPassword, TooManyRequests, Unavailable.
    """
    address = require_address(email)
    proven = await prove_own_password(room, user_id, password, client_address)
    await room.throttle.admit("letter", address, client_address)
    async with steady(room):
        user = await get_user(room, user_id)
        await room.control.write(_ask(room, user, address, proven.steps))


async def confirm_change(room: Room, token: str) -> User:
    """The user with the new address. Raises LetterRefused; EmailTaken where the address has an account by now."""
    try:
        user: User = await room.control.write(_confirm(room, token))
    except errors.UniqueClash:
        raise EmailTaken from None
    return user


def _ask(room: Room, user: User | None, email: str, proven: Any) -> Any:
    yield from in_turn(proven)
    token = new_token()
    taken = room.control.read(TAKEN, (yield room.control.step(TAKEN, email=email)))
    if user is None or taken:
        yield add_decoy(room, token)
        if taken:
            told = {"link": link(room, "sign-in", None), "name": taken[0][0]}
            yield from in_turn(write_letter(room, "already-registered", email, told, taken[0][1]))
        return
    yield add_token(room, Purpose.change, token, email=email, user_id=user.id, asked={"was": user.email})
    values = {"link": link(room, "confirm-email", token), "token": token, "hours": room.options.accounts.verify_hours}
    # Erased with its user, also where the address never becomes theirs.
    yield from in_turn(write_letter(room, "verify-email", email, values, user.language, user.id))
    yield from in_turn(room.journal.steps(Fact("email.change_requested", user.id, details={"email": email})))


def _confirm(room: Room, token: str) -> Any:
    now = room.now()
    user_id, email, asked = yield from spend(room, Purpose.change, token)
    if not (yield room.control.step(CHANGE, user=user_id, was=asked["was"], address=email, now=now)):
        raise LetterRefused
    # What was sent to the old address opens nothing any more.
    yield void_tokens(room, user_id)
    user = User(*room.control.read(BY_ID, (yield room.control.step(BY_ID, id=user_id)))[0])
    told = {"new_email": email, "name": user.display_name}
    yield from in_turn(write_letter(room, "email-changed", asked["was"], told, user.language, user.id))
    yield from in_turn(room.letters.belong(asked["was"], user_id))
    yield from in_turn(room.journal.steps(Fact("email.changed", user_id, details={"email": email})))
    return user

"""Confirm an address by the link that was sent there; the first one makes the account."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, true, update

from mainstay.base.ids import uuid7
from mainstay.identity.accounts.by_mail.letter_token import (
    Purpose,
    add_decoy,
    add_token,
    link,
    new_token,
    spend,
)
from mainstay.identity.accounts.by_mail.reset_password import set_password_steps
from mainstay.identity.accounts.by_mail.steady import steady
from mainstay.identity.accounts.by_mail.write_letter import write_letter
from mainstay.identity.accounts.find_user import BY_ID
from mainstay.identity.accounts.new_user import add_unless_there, belongings, told_at_sign_up, values_of
from mainstay.identity.accounts.tables import account_tokens
from mainstay.identity.accounts.user import User
from mainstay.identity.catalogue import USER
from mainstay.identity.email_address import normalise
from mainstay.identity.errors import EmailTaken, LetterRefused
from mainstay.identity.events import Fact
from mainstay.identity.room import Room
from mainstay.identity.tables import users as t
from mainstay.storage.control import in_turn

MOST_PENDING = 100
VERIFY = (
    update(t)
    .where(t.c.id == bindparam("user"), t.c.email == bindparam("address"), t.c.active == true())
    .values(email_verified_at=bindparam("now"))
    .returning(t.c.id)
)
UNVERIFIED = select(t.c.id, t.c.display_name, t.c.language).where(
    t.c.email == bindparam("email"), t.c.email_verified_at.is_(None), t.c.active == true()
)
# The sign-ups of this address that nobody has confirmed yet, the newest first.
PENDING = (
    select(account_tokens.c.asked)
    .where(
        account_tokens.c.email == bindparam("email"),
        account_tokens.c.kind == str(Purpose.sign_up),
        account_tokens.c.spent_at.is_(None),
        account_tokens.c.expires_at > bindparam("now"),
    )
    .order_by(account_tokens.c.created_at.desc())
    .limit(MOST_PENDING)
)
EMAIL_THERE = select(t.c.id).where(t.c.email == bindparam("email"))


async def verify_email(room: Room, token: str) -> User:
    """Whose address it is from now on known to be. Raises LetterRefused; EmailTaken where another letter came first."""
    user: User = await room.control.write(_verify(room, token))
    return user


async def send_again(room: Room, email: str, client_address: str | None) -> None:
    """Send the letter again, if somebody waits for one there; the answer does not tell. Raises TooManyRequests."""
    address = normalise(email)
    await room.throttle.admit("letter", address, client_address)
    async with steady(room):
        await room.control.write(_again(room, address))


def _verify(room: Room, token: str) -> Any:
    now = room.now()
    try:
        _, email, asked = yield from spend(room, Purpose.sign_up, token)
    except LetterRefused:
        return (yield from _confirm(room, token, now))
    return (yield from _make(room, email, asked, now))


def _make(room: Room, email: str, asked: dict[str, Any], now: datetime) -> Any:
    user = User(uuid7(), email, True, now, asked["username"], now, asked["display_name"], asked["language"])
    add = add_unless_there(room.control.dialect.name)
    if not (yield room.control.step(add, **values_of(user))):
        if (yield room.control.step(EMAIL_THERE, email=email)):
            raise EmailTaken
        # Somebody took the username meanwhile: the account is made without one.
        user = User(user.id, email, True, now, None, now, asked["display_name"], asked["language"])
        if not (yield room.control.step(add, **values_of(user))):
            raise EmailTaken
    alone = yield from _asked_alone(room, email, asked)
    yield from belongings(room, user, asked["secret"] if alone else None, (USER,), None)
    yield from told_at_sign_up(room, user.id, asked)
    if not alone:
        yield from in_turn(set_password_steps(room, user.id, email))
    yield from in_turn(room.journal.steps(Fact("email.verified", user.id)))
    told = {"name": user.display_name} if user.display_name else {}
    yield from in_turn(write_letter(room, "welcome", email, told, user.language))
    return user


def _asked_alone(room: Room, email: str, asked: dict[str, Any]) -> Any:
    # Two who ask with one address get letters that look alike, and who reads them may open the other's: then nobody
    # knows whose password it is, and the reader chooses one by another letter.
    pending = room.control.read(PENDING, (yield room.control.step(PENDING, email=email, now=room.now())))
    return all(other.get("place") == asked.get("place") for (other,) in pending)


def _confirm(room: Room, token: str, now: datetime) -> Any:
    user_id, email, _ = yield from spend(room, Purpose.verify, token)
    if not (yield room.control.step(VERIFY, user=user_id, address=email, now=now)):
        raise LetterRefused
    yield from in_turn(room.journal.steps(Fact("email.verified", user_id)))
    return User(*room.control.read(BY_ID, (yield room.control.step(BY_ID, id=user_id)))[0])


def _again(room: Room, email: str) -> Any:
    token = new_token()
    values = {"link": link(room, "verify-email", token), "token": token, "hours": room.options.accounts.verify_hours}
    waiting = room.control.read(UNVERIFIED, (yield room.control.step(UNVERIFIED, email=email)))
    pending = room.control.read(PENDING, (yield room.control.step(PENDING, email=email, now=room.now())))
    taken = yield room.control.step(EMAIL_THERE, email=email)
    if waiting:
        user_id, _, language = waiting[0]
        yield add_token(room, Purpose.verify, token, email=email, user_id=user_id)
    elif pending and not taken:
        asked = pending[0][0]
        language = asked["language"]
        yield add_token(room, Purpose.sign_up, token, email=email, asked=asked)
    else:
        yield add_decoy(room, token)
        return
    yield from in_turn(write_letter(room, "verify-email", email, values, language))

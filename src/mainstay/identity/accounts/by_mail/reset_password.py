"""A new password for somebody who reads what is sent to the account's address."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, true, update

from mainstay.identity.accounts.by_mail.letter_token import (
    Purpose,
    add_decoy,
    add_token,
    link,
    new_token,
    peek,
    spend,
    void_tokens,
)
from mainstay.identity.accounts.by_mail.other_ways_in import drop_others
from mainstay.identity.accounts.by_mail.steady import steady
from mainstay.identity.accounts.by_mail.write_letter import write_letter
from mainstay.identity.accounts.user import User
from mainstay.identity.credentials.change_password import set_hash
from mainstay.identity.email_address import normalise
from mainstay.identity.errors import LetterRefused
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.sessions.end_acting import end_acting, ended
from mainstay.identity.sessions.end_session import END_ALL
from mainstay.identity.tables import users as t
from mainstay.storage.control import in_turn

_columns = tuple(t.c[name] for name in User.__dataclass_fields__)
BY_EMAIL = select(*_columns).where(t.c.email == bindparam("email"))
BY_ID = select(*_columns).where(t.c.id == bindparam("id"))
# Reading the letter has shown that the address is theirs.
CONFIRMED = (
    update(t)
    .where(t.c.id == bindparam("user"), t.c.active == true())
    .values(email_verified_at=func.coalesce(t.c.email_verified_at, bindparam("now", type_=t.c.updated_at.type)))
    .returning(t.c.email)
)


async def ask_for_reset(room: Room, email: str, client_address: str | None) -> None:
    """Send a letter with which a new password can be chosen, if there is such an account; the answer does not tell.

    Raises TooManyRequests, also for an address without an account.
    """
    address = normalise(email)
    await room.throttle.admit("letter", address, client_address)
    async with steady(room):
        await room.control.write(_ask(room, address))


async def reset_password(room: Room, token: str, password: str, client_address: str | None) -> None:
    """Choose a new password by the token of a letter, or the first by that of an invitation. Every session ends, and
    no other letter is good for anything.

    Raises LetterRefused; Invalid or PasswordRefused, after which the token is still good; Unavailable.
    """
    async with room.hashing.turn() as turn:
        user = await _holder(room, token)
        await turn.work(lambda: room.passwords.check(password, (user.email, user.username, user.display_name)))
        secret = await turn.hash(password)
    ended(room, [user.id, *await room.control.write(_reset(room, token, secret))])


def set_password_steps(room: Room, user_id: UUID, email: str) -> Sequence[Step]:
    """The steps that send somebody the letter with which they choose a password, in the transaction that wants it."""
    return _letter(room, User(user_id, email, True, room.now()))


async def _holder(room: Room, token: str) -> User:
    try:
        user_id = await peek(room, Purpose.reset, token)
    except LetterRefused:
        user_id = await peek(room, Purpose.invite, token)
    rows = await room.control.fetch(BY_ID, id=user_id) if user_id else []
    if not rows:
        raise LetterRefused
    return User(*rows[0])


def _ask(room: Room, email: str) -> Any:
    found = room.control.read(BY_EMAIL, (yield room.control.step(BY_EMAIL, email=email)))
    user = User(*found[0]) if found else None
    if user is None or not user.active:
        yield add_decoy(room, new_token())
        return
    yield from in_turn(_letter(room, user))
    yield from in_turn(room.journal.steps(Fact("password.reset_requested", user.id)))


def _letter(room: Room, user: User) -> Sequence[Step]:
    token = new_token()
    values: dict[str, Any] = {"link": link(room, "reset-password", token), "token": token, "name": user.display_name}
    values["minutes"] = room.options.accounts.reset_minutes
    return [
        add_token(room, Purpose.reset, token, email=user.email, user_id=user.id),
        *write_letter(room, "reset-password", user.email, values, user.language),
    ]


def _reset(room: Room, token: str, secret: str) -> Any:
    now, invited = room.now(), False
    try:
        user_id, sent_to, _ = yield from spend(room, Purpose.reset, token)
    except LetterRefused:
        user_id, sent_to, _ = yield from spend(room, Purpose.invite, token)
        invited = True
    before = room.control.read(BY_ID, (yield room.control.step(BY_ID, id=user_id)))
    found = room.control.read(CONFIRMED, (yield room.control.step(CONFIRMED, user=user_id, now=now)))
    if not found or found[0][0] != sent_to:
        raise LetterRefused
    if not User(*before[0]).email_verified:
        yield from in_turn(drop_others(room, user_id))
    yield set_hash(room.control, user_id, secret, now)
    yield void_tokens(room, user_id)
    yield from in_turn(room.throttle.forget(sent_to))
    yield room.control.step(END_ALL, user=user_id, now=now, reason="password_reset")
    acted = yield from end_acting(room, user_id, now)
    yield from in_turn(room.revocations.steps(user_id))
    user = User(*room.control.read(BY_ID, (yield room.control.step(BY_ID, id=user_id)))[0])
    kind = "welcome" if invited else "password-changed"
    yield from in_turn(write_letter(room, kind, sent_to, {"name": user.display_name}, user.language))
    yield from in_turn(room.journal.steps(Fact("password.changed", user_id, details={"by": "letter"})))
    return acted

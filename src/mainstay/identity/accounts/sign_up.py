"""Create an account: by its future user, who hears the same whether or not there is one, or by an operator."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, select

from mainstay.base.ids import uuid7
from mainstay.identity.accounts.by_mail.letter_token import Purpose, add_decoy, add_token, link, new_token
from mainstay.identity.accounts.by_mail.steady import steady
from mainstay.identity.accounts.by_mail.write_letter import write_letter
from mainstay.identity.accounts.new_user import add_unless_there, add_user, belongings, told_at_sign_up, values_of
from mainstay.identity.accounts.user import User
from mainstay.identity.catalogue import USER
from mainstay.identity.email_address import require_address
from mainstay.identity.errors import AlreadyDone, UsernameTaken
from mainstay.identity.room import Room
from mainstay.identity.tables import deeds, users
from mainstay.identity.username import require_username
from mainstay.storage import errors
from mainstay.storage.control import in_turn

ADD_DEED = insert(deeds).values({c.name: bindparam(c.name) for c in deeds.c})
ANY_OF_EMAIL = select(users.c.id, users.c.display_name, users.c.language).where(users.c.email == bindparam("email"))
ANY_OF_USERNAME = select(users.c.id).where(users.c.username == bindparam("username"))


async def create_user(
    room: Room,
    email: str,
    password: str,
    roles: Sequence[str] = (USER,),
    *,
    tenant: UUID | None = None,
    once: str | None = None,
    username: str | None = None,
    display_name: str | None = None,
    language: str | None = None,
    profile: Mapping[str, Any] | None = None,
) -> User:
    """The new user, whose address counts as confirmed, a member of `tenant` or of the one where newcomers go.

    `profile` holds the app's own fields, the required ones among them; with None nothing is kept of them yet. Raises
    Invalid or PasswordRefused for a bad address, name, field or password, EmailTaken or UsernameTaken, and Conflict for
    a field's value that is somebody else's.

    `once` names a deed that is done with this user and never again, by no worker: AlreadyDone, and no user.
    """
    address, name = require_address(email), None if username is None else require_username(username)
    values = {} if profile is None else room.fields.accept_new(profile)
    async with room.hashing.turn() as turn:
        await turn.work(lambda: room.passwords.check(password, (address, name, display_name)))
        secret = await turn.hash(password)
    now = room.now()
    user = User(uuid7(), address, True, now, name, now, display_name, language)
    await room.control.write(_create(room, user, secret, roles, tenant, once, values))
    return user


async def sign_up(
    room: Room,
    email: str,
    password: str,
    *,
    username: str | None = None,
    display_name: str | None = None,
    language: str | None = None,
    profile: Mapping[str, Any] | None = None,
    client_address: str | None = None,
) -> None:
    """Ask for an account. A letter goes to the address: one that makes the account, or, where there is one, one that
    says so. Whoever asked hears and waits the same.

    Where addresses need not be confirmed first the account is there at once. Raises Invalid, PasswordRefused,
    UsernameTaken, TooManyRequests, Unavailable.
    """
    address, name = require_address(email), None if username is None else require_username(username)
    room.fields.accept_sign_up(profile or {})
    async with room.hashing.turn() as turn:
        await turn.work(lambda: room.passwords.check(password, (address, name, display_name)))
        if name is not None and await room.control.fetch(ANY_OF_USERNAME, username=name):
            raise UsernameTaken
        await room.throttle.admit("letter", address, client_address)
        secret = await turn.hash(password)
    asked: dict[str, Any] = {"secret": secret, "username": name, "display_name": display_name, "language": language}
    asked["profile"] = dict(profile or {})
    # Whether others ask with this address too shows when a letter is read: `verify_email`.
    asked["place"] = room.throttle.digest(client_address or "")
    async with steady(room):
        try:
            await room.control.write(_ask(room, address, asked))
        except errors.UniqueClash:
            raise UsernameTaken from None


def _create(
    room: Room,
    user: User,
    secret: str,
    roles: Sequence[str],
    tenant: UUID | None,
    once: str | None,
    profile: Mapping[str, Any],
) -> Any:
    if once is not None:
        try:
            yield room.control.step(ADD_DEED, name=once, done_at=user.created_at)
        except errors.UniqueClash:
            raise AlreadyDone("This has been done before.") from None
    yield from add_user(room, user, secret, roles, tenant, profile)


def _ask(room: Room, email: str, asked: dict[str, Any]) -> Any:
    now, token = room.now(), new_token()
    values = {"link": link(room, "verify-email", token), "token": token, "name": asked["display_name"]}
    values["hours"] = room.options.accounts.verify_hours
    known = room.control.read(ANY_OF_EMAIL, (yield room.control.step(ANY_OF_EMAIL, email=email)))
    if not known and room.options.accounts.verified:
        yield add_token(room, Purpose.sign_up, token, email=email, asked=asked)
        yield from in_turn(write_letter(room, "verify-email", email, values, asked["language"]))
        return
    if not known:
        user = _newcomer(email, asked, now)
        if (yield room.control.step(add_unless_there(room.control.dialect.name), **values_of(user))):
            yield from belongings(room, user, asked["secret"], (USER,), None)
            yield from told_at_sign_up(room, user.id, asked)
            yield add_token(room, Purpose.verify, token, email=email, user_id=user.id)
            yield from in_turn(write_letter(room, "verify-email", email, values, asked["language"]))
            return
        known = room.control.read(ANY_OF_EMAIL, (yield room.control.step(ANY_OF_EMAIL, email=email)))
        if not known:
            raise UsernameTaken
    yield add_decoy(room, token)
    _, name, language = known[0]
    told = {"link": link(room, "sign-in", None), "name": name}
    yield from in_turn(write_letter(room, "already-registered", email, told, language))


def _newcomer(email: str, asked: dict[str, Any], now: datetime) -> User:
    return User(uuid7(), email, True, now, asked["username"], None, asked["display_name"], asked["language"])

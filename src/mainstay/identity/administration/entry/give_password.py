"""A password for somebody who cannot have a letter: chosen for them, or a link with which they choose it."""

from collections.abc import Generator
from uuid import UUID

from mainstay.base.errors import Conflict, Forbidden, NotFound
from mainstay.identity.accounts.by_mail.letter_token import Purpose, add_token, link, new_token, void_tokens
from mainstay.identity.accounts.by_mail.other_ways_in import drop_others
from mainstay.identity.accounts.by_mail.reset_password import CONFIRMED
from mainstay.identity.accounts.by_mail.write_letter import write_letter
from mainstay.identity.accounts.find_user import BY_ID, get_user
from mainstay.identity.accounts.user import User
from mainstay.identity.administration.guards import within_reach
from mainstay.identity.administration.standing import Administrator
from mainstay.identity.credentials.change_password import set_hash
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.sessions.end_acting import end_acting, ended
from mainstay.identity.sessions.end_session import END_ALL
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows


async def give_password(room: Room, by: Administrator, user_id: UUID, password: str) -> None:
    """For operators: this is the password from now on, and the address counts as confirmed. Every session ends, letters
    under way are good for nothing, and a letter says so. Second factors stay.

    Where the address was not confirmed, whatever else opened the account does so no longer, as with a reset by letter.
    Raises NotFound, Forbidden, Invalid, PasswordRefused, Unavailable; Conflict for a shut account.
    """
    _require_operator(by)
    user = await get_user(room, user_id)
    if user is None:
        raise NotFound("There is no such user.")
    known = (user.email, user.username, user.display_name)
    async with room.hashing.turn() as turn:
        await turn.work(lambda: room.passwords.check(password, known))
        secret = await turn.hash(password)
    ended(room, [user_id, *await room.control.write(_give(room, by, user_id, secret))])


async def reset_link(room: Room, by: Administrator, user_id: UUID) -> str:
    """For operators: the address of the page on which the account's user chooses a new password, good once, as long as
    a letter's. Whoever is handed it has the account, up to its second factor.

    Raises NotFound, Forbidden; Conflict for a shut account.
    """
    _require_operator(by)
    token = new_token()
    await room.control.write(_link(room, by, user_id, token))
    return link(room, "reset-password", token)


def _require_operator(by: Administrator) -> None:
    # An administrator of one tenant who knew it could follow the account into the next.
    if not by.operates:
        raise Forbidden("Only an operator gives somebody a password.", code="password_refused")


def _held(room: Room, by: Administrator, user_id: UUID) -> Generator[Step, Rows, User]:
    yield from within_reach(room, by, user_id)
    user = User(*room.control.read(BY_ID, (yield room.control.step(BY_ID, id=user_id)))[0])
    if not user.active:
        raise Conflict("This account is shut; open it first.", code="shut")
    return user


def _give(room: Room, by: Administrator, user_id: UUID, secret: str) -> Generator[Step, Rows, list[UUID]]:
    user, now = (yield from _held(room, by, user_id)), room.now()
    yield room.control.step(CONFIRMED, user=user_id, now=now)
    if not user.email_verified:
        yield from in_turn(drop_others(room, user_id))
    yield set_hash(room.control, user_id, secret, now)
    yield void_tokens(room, user_id)
    yield from in_turn(room.throttle.forget(user.email))
    yield room.control.step(END_ALL, user=user_id, now=now, reason="password_given")
    acted = yield from end_acting(room, user_id, now)
    yield from in_turn(room.revocations.steps(user_id))
    yield from in_turn(write_letter(room, "password-changed", user.email, {"name": user.display_name}, user.language))
    fact = Fact("password.changed", user_id, by.tenant_id, details={"by": "operator"})
    yield from in_turn(room.journal.steps(fact))
    return acted


def _link(room: Room, by: Administrator, user_id: UUID, token: str) -> Generator[Step, Rows, None]:
    user = yield from _held(room, by, user_id)
    yield add_token(room, Purpose.reset, token, email=user.email, user_id=user_id)
    fact = Fact("password.reset_requested", user_id, by.tenant_id, details={"by": "operator"})
    yield from in_turn(room.journal.steps(fact))

"""The letter to somebody whom an account was made for: with it they choose their first password."""

from collections.abc import Generator
from uuid import UUID

from sqlalchemy import bindparam, select

from mainstay.base.errors import Conflict
from mainstay.identity.accounts.by_mail.letter_token import Purpose, add_token, link, new_token, void_tokens
from mainstay.identity.accounts.by_mail.write_letter import write_letter
from mainstay.identity.accounts.find_user import BY_ID, PASSWORD
from mainstay.identity.accounts.user import User
from mainstay.identity.administration.find_accounts import require_account
from mainstay.identity.administration.guards import within_reach
from mainstay.identity.administration.standing import Administrator
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.tables import users as t
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows

NAME = select(t.c.display_name).where(t.c.id == bindparam("user"))


async def invite_again(room: Room, by: Administrator, user: UUID, client_address: str | None = None) -> None:
    """Send the letter anew; the one before is good for nothing.

    Raises NotFound for somebody not theirs to see; Forbidden for an account that belongs to other tenants too, or
    holds more than the administrator; Conflict for an account that is shut, or that has a password; TooManyRequests.
    """
    account = await require_account(room, by, user)
    await room.throttle.admit("letter", account.email, client_address)
    await room.control.write(_again(room, by, user))


def invitation(room: Room, by: Administrator, user: User) -> Generator[Step, Rows, None]:
    """The part of a script that sends it. It names the administrator where they have a display name."""
    token, hours = new_token(), room.options.accounts.invite_hours
    found = room.control.read(NAME, (yield room.control.step(NAME, user=by.user_id))) if by.user_id else []
    in_days = hours % 24 == 0 and hours > 24
    values = {
        "link": link(room, "reset-password", token),
        "token": token,
        "name": user.display_name,
        "inviter": found[0][0] if found else None,
        "days": hours // 24 if in_days else None,
        "hours": None if in_days else hours,
    }
    yield add_token(room, Purpose.invite, token, email=user.email, user_id=user.id)
    yield from in_turn(write_letter(room, "account-made", user.email, values, user.language))


def _again(room: Room, by: Administrator, user_id: UUID) -> Generator[Step, Rows, None]:
    yield from within_reach(room, by, user_id)
    user = User(*room.control.read(BY_ID, (yield room.control.step(BY_ID, id=user_id)))[0])
    if not user.active:
        raise Conflict("This account is shut; open it first.", code="shut")
    if (yield room.control.step(PASSWORD, user=user_id)):
        raise Conflict(
            "This account has a password already. Who has forgotten it asks for a letter at /auth/password/forgot.",
            code="has_password",
        )
    yield void_tokens(room, user_id)
    yield from invitation(room, by, user)
    yield from in_turn(room.journal.steps(Fact("user.invited", user_id, by.tenant_id)))

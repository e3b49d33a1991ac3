"""Shut an account, or open it again."""

from collections.abc import Generator
from uuid import UUID

from mainstay.base.errors import Conflict, NotFound
from mainstay.identity.accounts.deactivate_user import SET_ACTIVE
from mainstay.identity.administration.guards import alone_here, hold_member
from mainstay.identity.administration.standing import Administrator, require_may_touch
from mainstay.identity.events import Fact
from mainstay.identity.leaders.another_leader import hold_account, require_others
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.sessions.end_acting import end_acting, ended
from mainstay.identity.sessions.end_session import END_ALL
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows


async def set_active(room: Room, by: Administrator, user: UUID, active: bool) -> None:
    """A shut account is refused by every process within a second: its tokens, its API keys, its sign-in.

    Raises NotFound for somebody not theirs to see; Forbidden for an account that belongs to other tenants too, or
    holds more than the administrator; Conflict for oneself, and for the last
    administrator of any tenant or the last operator.
    """
    if user == by.user_id and not active:
        raise Conflict("You would shut yourself out; another administrator can do it.", code="own_account")
    acted = await room.control.write(_script(room, by, user, active))
    ended(room, [user, *acted])


def _script(room: Room, by: Administrator, user: UUID, active: bool) -> Generator[Step, Rows, list[UUID]]:
    leads = yield from hold_account(room, user, (by.tenant_id,))
    roles = yield from hold_member(room, user, by.tenant_id)
    if roles is None and not by.operates:
        raise NotFound("There is no such user.")
    yield from alone_here(room, by, user)
    require_may_touch(room, by, roles or frozenset())
    if not active:
        # In every tenant that they lead, whichever the one is that they are shut from.
        yield from require_others(room, user, leads)
    now = room.now()
    yield room.control.step(SET_ACTIVE, user=user, active=active, now=now)
    acted: list[UUID] = []
    if not active:
        acted = yield from end_acting(room, user, now)
        yield room.control.step(END_ALL, user=user, now=now, reason="deactivated")
    yield from in_turn(room.revocations.steps(user))
    word = "activated" if active else "deactivated"
    yield from in_turn(room.journal.steps(Fact(f"user.{word}", user, by.tenant_id)))
    return acted

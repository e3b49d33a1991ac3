"""Reset somebody's factors, who has lost them: for administrators and the command line."""

from collections.abc import Generator
from uuid import UUID

from mainstay.base.errors import Conflict, NotFound
from mainstay.identity.accounts.by_mail.reset_password import set_password_steps
from mainstay.identity.accounts.user import User
from mainstay.identity.administration.guards import alone_here, hold_member, hold_user
from mainstay.identity.administration.standing import Administrator, require_may_touch
from mainstay.identity.authenticators.held import held_steps
from mainstay.identity.authenticators.remove_all import remove_all
from mainstay.identity.factors.change_factors import WAYS_IN
from mainstay.identity.factors.desk import Desk
from mainstay.identity.factors.tell import tell
from mainstay.identity.ports import Step
from mainstay.identity.sessions.end_acting import end_acting, ended
from mainstay.identity.sessions.end_session import END_ALL
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows


async def reset_factors(desk: Desk, by: Administrator, user_id: UUID) -> bool:
    """Whether there were any. Every session ends and a letter says why; who had nothing but passkeys gets one that sets
    a password.

    Raises NotFound for somebody not theirs to see; Forbidden for an account that belongs to other tenants too, or
    holds more than the administrator; Conflict for oneself.
    """
    if user_id == by.user_id:
        raise Conflict("Remove your own factors at /auth/factors.", code="own_account")
    there, acted = await desk.room.control.write(_script(desk, by, user_id, await desk.user(user_id)))
    ended(desk.room, [user_id, *acted])
    return there


def _script(desk: Desk, by: Administrator, user_id: UUID, user: User) -> Generator[Step, Rows, tuple[bool, list[UUID]]]:
    room = desk.room
    yield from hold_user(room, user_id)
    roles = yield from hold_member(room, user_id, by.tenant_id)
    if roles is None and not by.operates:
        raise NotFound("There is no such user.")
    yield from alone_here(room, by, user_id)
    require_may_touch(room, by, roles or frozenset())
    held = yield from held_steps(room, user_id)
    yield from in_turn(remove_all(room, user_id))
    yield room.control.step(END_ALL, user=user_id, now=room.now(), reason="factors_reset")
    # What they began before, with factors that may be in other hands, goes on in nobody's name.
    acted = yield from end_acting(room, user_id, room.now())
    yield from in_turn(room.revocations.steps(user_id))
    ways = room.control.read(WAYS_IN, (yield room.control.step(WAYS_IN, user=user_id)))
    if not ways[0][0]:
        yield from in_turn(set_password_steps(room, user_id, user.email))
    if held.any:
        yield from in_turn(tell(room, "factor-removed", "factors.reset", user, "every second factor"))
    return held.any, acted

"""What comes with every change of a member's roles, whoever asks for it; and the change as code asks for it."""

from collections.abc import Generator, Iterable
from uuid import UUID

from mainstay.identity.administration.guards import hold_member
from mainstay.identity.events import Fact
from mainstay.identity.leaders.another_leader import hold_person, lost, require_others
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.sessions.end_acting import end_acted, end_acting, ended
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows


async def change_member(room: Room, tenant: UUID, user: UUID, roles: Iterable[str] | None) -> bool:
    """The member holds these roles and no others, or with None is one no longer; False where they were none.

    For the app's own code, which stands above every administrator. Raises Conflict where nobody would be left to
    administer the tenant, or to operate the system.
    """
    acted = await room.control.write(_script(room, tenant, user, None if roles is None else frozenset(roles)))
    if acted is None:
        return False
    ended(room, [user, *acted])
    return True


def _script(
    room: Room, tenant: UUID, user: UUID, wanted: frozenset[str] | None
) -> Generator[Step, Rows, list[UUID] | None]:
    counts = yield from hold_person(room, user)
    held = yield from hold_member(room, user, tenant)
    if held is None:
        return None
    if held == wanted:
        return []
    return (yield from replaced(room, tenant, user, held, wanted, leads=bool(counts)))


def replaced(
    room: Room, tenant: UUID, user: UUID, held: frozenset[str], wanted: frozenset[str] | None, *, leads: bool
) -> Generator[Step, Rows, list[UUID]]:
    """Replace what a member holds, or with None take them out. As whom they acted: those sessions have ended.

    The account and the tenant are held; `leads` says whether the account counts (`hold_person`).
    """
    left = wanted or frozenset()
    if leads:
        yield from require_others(room, user, lost(room, tenant, held, left))
    given, taken = left - held, held - left
    if given:
        # They may stand above whoever acts as them from now on.
        yield end_acted(room, user, room.now())
    # Whoever holds less may no longer be somebody who acts as others; who still may begins anew.
    acted = (yield from end_acting(room, user, room.now())) if taken or wanted is None else []
    if wanted is None:
        yield from in_turn(room.memberships.leave(user, tenant))
        fact = Fact("member.removed", user, tenant)
    else:
        yield from in_turn(room.memberships.set_roles_steps(user, tenant, sorted(wanted)))
        fact = Fact("roles.changed", user, tenant, details={"given": sorted(given), "taken": sorted(taken)})
    yield from in_turn(room.revocations.steps(user))
    yield from in_turn(room.journal.steps(fact))
    return acted

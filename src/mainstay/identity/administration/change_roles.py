"""Give, take and replace the roles that somebody holds in the administrator's tenant."""

from collections.abc import Callable, Generator, Iterable
from uuid import UUID

from mainstay.base.errors import FieldError, Invalid, NotFound
from mainstay.identity.administration.change_member import replaced
from mainstay.identity.administration.guards import hold_member
from mainstay.identity.administration.standing import Administrator, require_may_give, require_may_touch
from mainstay.identity.leaders.another_leader import hold_person
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.sessions.end_acting import ended
from mainstay.storage.statement import Rows

Change = Callable[[frozenset[str]], frozenset[str]]


async def set_roles(room: Room, by: Administrator, user: UUID, roles: Iterable[str]) -> frozenset[str]:
    """The member holds these roles and no others. Answers them.

    Raises NotFound for somebody who is no member, Invalid for an unknown role or none, Forbidden for what is out of
    the administrator's reach, Conflict where nobody would be left to administer the tenant.
    """
    wanted = frozenset(roles)
    if not wanted:
        message = "A member holds at least one role."
        raise Invalid(message, errors=[FieldError(("body", "roles"), "missing", message)])
    return await _change(room, by, user, lambda held: wanted)


async def grant_role(room: Room, by: Administrator, user: UUID, role: str) -> frozenset[str]:
    """The member holds this role too. Answers all of them; raises as `set_roles`."""
    return await _change(room, by, user, lambda held: held | {role})


async def take_role(room: Room, by: Administrator, user: UUID, role: str) -> frozenset[str]:
    """The member holds this role no longer. Answers those left; raises as `set_roles`."""

    def without(held: frozenset[str]) -> frozenset[str]:
        # A member without roles would hold nothing at all, not even their own profile.
        return held - {role} or frozenset({"user"})

    return await _change(room, by, user, without)


async def _change(room: Room, by: Administrator, user: UUID, change: Change) -> frozenset[str]:
    kept, acted = await room.control.write(_script(room, by, user, change))
    ended(room, [user, *acted])
    return kept


def _script(
    room: Room, by: Administrator, user: UUID, change: Change
) -> Generator[Step, Rows, tuple[frozenset[str], list[UUID]]]:
    leads = yield from hold_person(room, user)
    held = yield from hold_member(room, user, by.tenant_id)
    if held is None:
        raise NotFound("There is no such user.")
    wanted = change(held)
    given, taken = wanted - held, held - wanted
    if not given and not taken:
        return held, []
    require_may_touch(room, by, held)
    require_may_give(room, by, given)
    # Roles that the app no longer declares can still be taken.
    require_may_give(room, by, (role for role in taken if room.catalogue.knows_role(role)))
    acted = yield from replaced(room, by.tenant_id, user, held, wanted, leads=bool(leads))
    return wanted, acted

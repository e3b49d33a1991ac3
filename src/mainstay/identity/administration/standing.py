"""Who administers, and how far that reaches: nobody gives, or lays hands on, more than they hold themselves."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from mainstay.base.actor import ADMIN
from mainstay.base.errors import Conflict, FieldError, Forbidden
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity.catalogue import USER
from mainstay.identity.leaders.another_leader import OPERATE
from mainstay.identity.room import Room

MEMBER = frozenset({USER})
OVERSEE = "system:read"


@dataclass(frozen=True, slots=True)
class Administrator:
    """Somebody who administers the members of one tenant; with `system:*` in the default tenant, all accounts.

    `user_id` is None for the command line, which stands above all.
    """

    user_id: UUID | None
    tenant_id: UUID
    roles: frozenset[str]
    scopes: frozenset[str]

    @property
    def operates(self) -> bool:
        """Whether accounts as such are theirs to change, whatever tenants they belong to."""
        return self.user_id is None or (self.tenant_id == DEFAULT_TENANT and OPERATE in self.scopes)

    @property
    def oversees(self) -> bool:
        """Whether they see accounts of all tenants."""
        return self.operates or (self.tenant_id == DEFAULT_TENANT and OVERSEE in self.scopes)


def require_may_give(room: Room, by: Administrator, roles: Iterable[str]) -> list[str]:
    """The roles, sorted. Raises Conflict for one that the app has not declared, Forbidden for one out of reach.

    A role is in reach whose scopes the administrator holds, those that every member has aside; and unless they hold
    `admin:write`, only a role that they hold themselves, since access rules may give it more than its scopes say.
    """
    wanted = frozenset(roles)
    unknown = sorted(role for role in wanted if not room.catalogue.knows_role(role))
    if unknown:
        message = f"There is no role {unknown[0][:40]!r}; there are {', '.join(room.catalogue.roles())}."
        told = [FieldError(("body", "roles"), "unknown_role", message)]
        raise Conflict(message, code="unknown_role", errors=told)
    if by.user_id is None:
        return sorted(wanted)
    _require_reach(room, by, wanted)
    if "admin:write" not in by.scopes and (strange := wanted - by.roles):
        named = sorted(strange)
        raise Forbidden(
            f"Only who holds the role {named[0]}, or admin:write, can give or take it.",
            code="insufficient_role",
            extra={"missing_roles": named},
        )
    return sorted(wanted)


def require_may_touch(room: Room, by: Administrator, held: frozenset[str]) -> None:
    """Raises Forbidden where the other holds more than the administrator does: a moderator shuts no administrator."""
    if by.user_id is not None:
        _require_reach(room, by, held)


def _require_reach(room: Room, by: Administrator, roles: frozenset[str]) -> None:
    missing = room.catalogue.scopes_of(roles) - room.catalogue.scopes_of(MEMBER) - by.scopes
    if ADMIN in roles and ADMIN not in by.roles:
        # An administrator passes every access rule, which no set of scopes amounts to.
        raise Forbidden(
            "Only an administrator can do this.", code="insufficient_role", extra={"missing_roles": [ADMIN]}
        )
    if missing:
        raise Forbidden.missing_scopes(*missing)

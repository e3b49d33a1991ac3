"""What the tenancy room needs from others, in its own words."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from mainstay.storage import Statement

Step = tuple[Statement, Mapping[str, Any]]


class Revoke(Protocol):
    """Makes every process look again at who somebody is."""

    def steps(self, user_id: UUID | None) -> Sequence[Step]:
        """Statements for the same transaction as the change. No user: everybody is looked at again."""
        ...

    def applied(self, user_id: UUID | None) -> None:
        """The change is committed: this process forgets at once, the others within a second."""
        ...


class Changes(Protocol):
    """Changes a member with all that hangs on it in other rooms: sessions, and that somebody stays to administer."""

    def joining(self, user_id: UUID) -> Sequence[Step]:
        """Statements before somebody becomes a member, in that transaction: the account stays as it is meanwhile."""
        ...

    async def change(self, tenant_id: UUID, user_id: UUID, roles: Sequence[str] | None) -> bool:
        """The member holds these roles and no others, or with None leaves; False for somebody who is none.

        Raises Conflict where nobody would be left to administer the tenant.
        """
        ...


class Nobody:
    """For an app without sessions: there is nothing to revoke."""

    def steps(self, user_id: UUID | None) -> Sequence[Step]:
        return ()

    def applied(self, user_id: UUID | None) -> None:
        return None

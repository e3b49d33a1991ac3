"""Tenancy meets identity: a member is changed with their sessions, and not where nobody would be left to administer."""

from collections.abc import Sequence
from uuid import UUID

from mainstay.identity import Identity
from mainstay.tenancy.ports import Step


class MemberChanges:
    """`tenancy.ports.Changes`."""

    def __init__(self, identity: Identity) -> None:
        self._users = identity.administration

    def joining(self, user_id: UUID) -> Sequence[Step]:
        return self._users.holding(user_id)

    async def change(self, tenant_id: UUID, user_id: UUID, roles: Sequence[str] | None) -> bool:
        return await self._users.change_member(tenant_id, user_id, roles)

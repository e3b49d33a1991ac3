"""The identity room without tenants: everybody is at home in one place."""

from collections.abc import Sequence
from uuid import UUID

from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity.catalogue import USER
from mainstay.identity.ports import Step


class Everybody:
    """Every user is a member of the default tenant with the role `user`, and nothing is stored about it."""

    async def home_of(self, user_id: UUID, named: str | None) -> UUID:
        return DEFAULT_TENANT

    async def roles_of(self, user_id: UUID, tenant_id: UUID) -> frozenset[str] | None:
        return frozenset({USER}) if tenant_id == DEFAULT_TENANT else None

    def welcome(self, user_id: UUID, roles: Sequence[str], tenant_id: UUID | None) -> Sequence[Step]:
        return ()

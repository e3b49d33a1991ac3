"""API keys and service accounts, for callers."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from mainstay.identity.administration.standing import Administrator
from mainstay.identity.api_keys import (
    create_key,
    keys_of_users,
    list_keys,
    machine_accounts,
    revoke_key,
    rotate_key,
    verify_key,
)
from mainstay.identity.api_keys.api_key import ApiKey, Maker, NewKey
from mainstay.identity.api_keys.last_use import LastUse
from mainstay.identity.api_keys.machine_account import ServiceAccount
from mainstay.identity.room import Room
from mainstay.identity.tokens.remembered import Verified


class ApiKeys:
    """`identity.api_keys`. Each flow's own file says what it raises."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.last_use = LastUse(room.control)

    async def close(self) -> None:
        await self.last_use.close()

    async def verify(self, token: bytes) -> Verified:
        """Whom the key speaks for. Raises SignInRequired."""
        return await verify_key.verify_key(self._room, token, self.last_use)

    async def create(
        self, maker: Maker, owner: UUID, name: str, scopes: Iterable[str], expires_at: datetime | None = None
    ) -> NewKey:
        """A key for the maker, or for a service account that the caller has made sure of."""
        return await create_key.create_key(self._room, maker, owner, name, scopes, expires_at)

    async def list(self, owner: UUID, tenant: UUID) -> Sequence[ApiKey]:
        """The owner's keys in a tenant, the newest first."""
        return await list_keys.list_keys(self._room, owner, tenant)

    async def get(self, owner: UUID, tenant: UUID, key: UUID) -> ApiKey | None:
        return await list_keys.get_key(self._room, owner, tenant, key)

    async def rotate(self, maker: Maker, owner: UUID, key: UUID, overlap: int | None = None) -> NewKey:
        """The key with another secret; the one before is good for `overlap` seconds more."""
        return await rotate_key.rotate_key(self._room, maker, owner, key, overlap)

    async def revoke(self, owner: UUID, tenant: UUID, key: UUID) -> None:
        """No process accepts it a second later."""
        await revoke_key.revoke_key(self._room, owner, tenant, key)

    async def list_of(self, by: Administrator, user: UUID) -> Sequence[ApiKey]:
        """The keys of somebody whom the caller administers."""
        return await keys_of_users.list_keys_of(self._room, by, user)

    async def revoke_of(self, by: Administrator, user: UUID, key: UUID) -> None:
        """Revoke a key of somebody whom the caller administers."""
        await keys_of_users.revoke_key_of(self._room, by, user, key)

    # Service accounts

    async def create_account(self, by: Administrator, name: str, roles: Iterable[str]) -> ServiceAccount:
        """A program of the administrator's tenant."""
        return await machine_accounts.create_service_account(self._room, by, name, roles)

    async def list_accounts(self, tenant: UUID) -> Sequence[ServiceAccount]:
        return await machine_accounts.list_service_accounts(self._room, tenant)

    async def require_account(self, tenant: UUID, account: UUID) -> ServiceAccount:
        """Raises NotFound for one that is not this tenant's."""
        return await machine_accounts.require_service_account(self._room, tenant, account)

    async def set_account_active(self, by: Administrator, account: UUID, active: bool) -> ServiceAccount:
        return await machine_accounts.set_active(self._room, by, account, active)

    async def remove_account(self, by: Administrator, account: UUID) -> None:
        await machine_accounts.remove_service_account(self._room, by, account)

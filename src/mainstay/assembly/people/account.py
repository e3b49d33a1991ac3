"""The account, its sessions, links and keys; memberships; tiers; and what the audit tells of the person."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete

from mainstay.assembly.live.live_settings import LiveSettings
from mainstay.assembly.live.stored_tiers import KIND as TIER
from mainstay.identity import Identity
from mainstay.mail import Mail
from mainstay.model.profile import UserProfile
from mainstay.storage.control import ControlPlane, in_turn
from mainstay.telemetry.audit import Audit
from mainstay.tenancy import Tenancy


class HeldAccount:
    """The rows of the identity room, and the app's own columns of its users. The last to go."""

    name = "account"

    def __init__(self, identity: Identity, control: ControlPlane, profile: type[UserProfile] | None) -> None:
        self._identity, self._control, self._profile = identity, control, profile
        self._forget = None if profile is None else delete(profile.__table__).where(_is_theirs(profile))

    async def export(self, user_id: UUID) -> Any:
        found: dict[str, Any] = await self._identity.accounts.export(user_id)
        if self._profile is not None:
            found["profile"] = await self._identity.profiles.about(user_id)
        return found

    async def erase(self, user_id: UUID) -> int:
        if self._forget is not None:
            await self._control.write(self._drop(user_id))
        return await self._identity.accounts.erase_rows(user_id)

    def _drop(self, user_id: UUID) -> Any:
        yield self._control.step(self._forget, user=user_id)


class HeldMemberships:
    """The tenants somebody belongs to, and the roles held there."""

    name = "memberships"

    def __init__(self, tenancy: Tenancy, control: ControlPlane) -> None:
        self._tenancy, self._control = tenancy, control

    async def export(self, user_id: UUID) -> Any:
        found = []
        for tenant in await self._tenancy.tenants_of(user_id):
            standing = await self._tenancy.standing(user_id, tenant.id)
            roles = sorted(standing.roles or ()) if standing is not None else []
            found.append({"tenant_id": str(tenant.id), "tenant": tenant.slug, "roles": roles})
        return found

    async def erase(self, user_id: UUID) -> int:
        count = len(await self._tenancy.tenants_of(user_id))
        await self._control.write(self._leave(user_id))
        self._tenancy.revoke.applied(user_id)
        return count

    def _leave(self, user_id: UUID) -> Any:
        yield from in_turn([*self._tenancy.leave(user_id), *self._tenancy.revoke.steps(user_id)])


class HeldTiers:
    """Tiers that operators gave to somebody."""

    name = "tiers"

    def __init__(self, live: LiveSettings) -> None:
        self._live = live

    async def export(self, user_id: UUID) -> Any:
        return [
            {"tenant_id": name.partition("/")[0], "tier": value.value} for name, value in self._theirs(user_id).items()
        ]

    async def erase(self, user_id: UUID) -> int:
        theirs = self._theirs(user_id)
        for name in theirs:
            await self._live.put(f"{TIER}/{name}", None, None)
        return len(theirs)

    def _theirs(self, user_id: UUID) -> dict[str, Any]:
        return {name: value for name, value in self._live.named(TIER).items() if name.endswith(f"/{user_id}")}


class HeldLetters:
    """What was written to somebody, at the address they have and at those they had."""

    name = "letters"

    def __init__(self, mail: Mail, identity: Identity) -> None:
        self._mail, self._identity = mail, identity

    async def export(self, user_id: UUID) -> Any:
        user = await self._identity.get_user(user_id)
        return {} if user is None else await self._mail.reader.export(user.email, user_id)

    async def erase(self, user_id: UUID) -> int:
        user = await self._identity.get_user(user_id)
        return 0 if user is None else await self._mail.reader.forget(user.email, user_id)


class HeldAudit:
    """Entries that somebody made, or that are about them. They stay, and their personal values become unreadable."""

    name = "audit"

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def export(self, user_id: UUID) -> Any:
        me = str(user_id)
        found = await self._audit.entries.about(user_id)
        for each in found:
            # Where somebody else came from, who did it, is that person's own.
            if (each["impersonator_id"] or each["actor_id"] or each["user_id"]) != me:
                each["origin"] = {}
            if each["user_id"] not in (None, me):
                each["details"] = {}
        return found

    async def erase(self, user_id: UUID) -> int:
        await self._audit.forget(user_id)
        return 1


def _is_theirs(profile: type[UserProfile]) -> Any:
    return profile.__table__.c.user_id == bindparam("user")

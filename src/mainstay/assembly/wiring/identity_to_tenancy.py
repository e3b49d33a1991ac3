"""Identity meets tenancy: a token becomes an actor in a tenant, and a newcomer a member of one."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import FromClause

from mainstay.base.actor import ANONYMOUS, Actor
from mainstay.base.context import Caller
from mainstay.base.errors import BadRequest, NotFound
from mainstay.base.ports import Headers
from mainstay.base.tenant import TenantScope
from mainstay.identity import Identity, Verified
from mainstay.identity.ports import Step
from mainstay.tenancy import Entry, Hints, Tenancy
from mainstay.web import bearer
from mainstay.web.csrf import SAFE

HEADER = b"x-tenant-id"
LONGEST_NAME = 64
# A user of one token is in few tenants; what names more is not worth remembering.
MEMO = 32


class TenantMemberships:
    """What identity wants to know of memberships, answered by tenancy."""

    def __init__(self, tenancy: Tenancy) -> None:
        self._tenancy = tenancy

    async def home_of(self, user_id: UUID, named: str | None) -> UUID:
        return await self._tenancy.home_of(user_id, named)

    async def roles_of(self, user_id: UUID, tenant_id: UUID) -> frozenset[str] | None:
        return await self._tenancy.roles_of(user_id, tenant_id)

    def welcome(self, user_id: UUID, roles: Sequence[str], tenant_id: UUID | None) -> Sequence[Step]:
        return self._tenancy.welcome(user_id, roles, tenant_id)

    def table(self) -> FromClause:
        return self._tenancy.table()

    def hold(self, tenant_id: UUID) -> Sequence[Step]:
        return self._tenancy.hold(tenant_id)

    def set_roles_steps(self, user_id: UUID, tenant_id: UUID, roles: Sequence[str]) -> Sequence[Step]:
        return self._tenancy.set_roles_steps(user_id, tenant_id, roles)

    async def demands_second_factor(self, tenant_id: UUID) -> bool:
        return (await self._tenancy.require(tenant_id)).second_factor

    def demand_second_factor(self, tenant_id: UUID, demanded: bool) -> Sequence[Step]:
        return self._tenancy.demand_second_factor(tenant_id, demanded)

    def leave(self, user_id: UUID, tenant_id: UUID | None = None) -> Sequence[Step]:
        return self._tenancy.leave(user_id, tenant_id)


class Callers:
    """base.ports.Identify: who sent a request, in which tenant, holding which roles.

    The answer lies in the verified token's own memo, which ends with the token's: when it expires, and within a
    second of the session, the user, the roles or the tenant being changed.
    """

    def __init__(self, identity: Identity, tenancy: Tenancy) -> None:
        self._identity = identity
        self._verify_now = identity.verify_now
        self._cookie = identity.browsers.session_cookie
        self._recall_cookie_now = identity.browsers.recall
        self._tenancy = tenancy
        self._by_header = tenancy.by_header
        self._anonymous = tenancy.resolve_anonymous()

    def recall(self, headers: Headers, request_id: str, method: str = "") -> Caller | None:
        """The caller if proof and tenant are remembered. Never does I/O, and never refuses."""
        token = tenant = cookies = None
        for name, value in headers:
            if name == b"authorization":
                if token is not None:
                    return None
                token = value
            elif name == HEADER and self._by_header:
                if tenant is not None:
                    return None
                tenant = value
            elif name == b"cookie":
                if cookies is not None:
                    return None
                cookies = value
        if token is None:
            if cookies is not None and self._cookie.stands_in(cookies):
                return self._recall_cookie(cookies, tenant, request_id, method)
            return Caller(ANONYMOUS, self._anonymous, request_id) if tenant is None else None
        if token[:7] != b"Bearer ":
            return None
        verified = self._verify_now(token[7:])
        known = verified.callers.get(tenant) if verified is not None else None
        return None if known is None else Caller(known[0], known[1], request_id)

    def _recall_cookie(self, cookies: bytes, tenant: bytes | None, request_id: str, method: str) -> Caller | None:
        # What changes something is looked at closely, in `identify`: another site's page may have sent it.
        value = self._cookie.read_now(cookies) if method in SAFE else None
        verified = None if value is None else self._recall_cookie_now(value)
        known = None if verified is None else verified.callers.get(tenant)
        return None if known is None else Caller(known[0], known[1], request_id)

    async def identify(self, headers: Headers, request_id: str, method: str = "") -> Caller:
        """The caller. Raises SignInRequired for proof that does not hold, Forbidden for a cookie that another site's
        page may have sent along, BadRequest or NotFound for a tenant.

        A bearer token is the only proof of a request that brings one: its cookies count for nothing.
        """
        offered = list(headers)
        token, tenant = bearer(offered), self._tenant_header(offered)
        if token is not None:
            verified = await self._identity.verify(token.encode())
        else:
            found = await self._identity.browsers.verify(offered, method)
            if found is None:
                return Caller(ANONYMOUS, self._anonymous, request_id)
            verified = found
        actor, scope = await self._enter(verified, tenant)
        return Caller(actor, scope, request_id)

    async def _enter(self, verified: Verified, tenant: bytes | None) -> tuple[Actor, TenantScope | None]:
        hints = Hints(None if tenant is None else tenant.decode(), verified.tenant_id)
        resolved: Entry | None
        if verified.roles is not None:
            resolved = await self._enter_as_guest(verified, hints, verified.roles)
        elif verified.api_key_id is not None or verified.impersonator_id is not None:
            resolved = await self._enter_bound(verified, hints)
        else:
            resolved = await self._tenancy.resolve(verified.user_id, hints)
        if resolved is None:
            return self._identity.actor_of(verified, frozenset()), None
        actor = self._identity.actor_of(verified, resolved.roles, resolved.second_factor)
        if len(verified.callers) < MEMO:
            # Safe although the database was asked a moment ago: a change since then has dropped `verified` itself.
            verified.callers[tenant] = actor, resolved.scope
        return actor, resolved.scope

    async def _enter_bound(self, verified: Verified, hints: Hints) -> Entry | None:
        """An API key, or an administrator who acts as somebody: one tenant is open to them. It need not be named, and
        naming another is answered as if there were none.
        """
        if hints.header is not None:
            found = await self._tenancy.resolve(verified.user_id, hints)
            if found is not None and found[0].tenant_id != verified.tenant_id:
                raise NotFound("There is no such tenant.")
        return await self._tenancy.enter(verified.user_id, verified.tenant_id)

    async def _enter_as_guest(self, verified: Verified, hints: Hints, roles: frozenset[str]) -> Entry:
        """Somebody of another issuer whom no tenant knows: their issuer's tenant is open to them, and no other."""
        if hints.header is not None:
            named = await self._tenancy.get(hints.header)
            if named is None or named.id != verified.tenant_id:
                raise NotFound("There is no such tenant.")
        return await self._tenancy.enter_as_guest(verified.tenant_id, roles)

    def _tenant_header(self, headers: list[tuple[bytes, bytes]]) -> bytes | None:
        if not self._by_header:
            return None
        named = [value for name, value in headers if name == HEADER]
        if len(named) > 1:
            raise BadRequest("X-Tenant-ID stands twice in this request; send it once.", code="tenant_ambiguous")
        if not named:
            return None
        if not named[0].isascii() or not 0 < len(named[0]) <= LONGEST_NAME:
            raise BadRequest("X-Tenant-ID holds the id or the slug of a tenant.", code="tenant_malformed")
        return named[0]

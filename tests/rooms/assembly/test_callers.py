"""From a request's headers to the caller: who, in which tenant, and when it is looked up again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from mainstay.assembly.wiring.identity_to_tenancy import Callers
from mainstay.base.actor import ANONYMOUS
from mainstay.base.errors import BadRequest, Forbidden, NotFound, SignInRequired
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.tenancy import Header, TenancyOptions, TokenClaim
from tests.databases import Urls
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.rooms import PASSWORD, House, Rooms, house

Sent = list[tuple[bytes, bytes]]


@dataclass
class World:
    """Two tenants; Ada is a member of both, Bob of one."""

    rooms: Rooms
    acme: UUID
    zeta: UUID
    ada: UUID
    tokens: dict[str, bytes]

    def callers(self) -> Callers:
        return Callers(self.rooms.identity, self.rooms.tenancy)

    def sent(self, who: str, tenant: str | None = None) -> Sent:
        headers: Sent = [(b"host", b"test"), (b"authorization", b"Bearer " + self.tokens[who])]
        return headers if tenant is None else [*headers, (b"x-tenant-id", tenant.encode())]


@pytest.fixture
async def processes(urls: Urls) -> AsyncIterator[House]:
    async with house(urls, WoundClock()) as built:
        yield built


async def world(processes: House, *resolvers: object) -> World:
    rooms = await processes.open(resolvers=resolvers)
    acme, zeta = await rooms.tenancy.create("Acme"), await rooms.tenancy.create("Zeta")
    people = {}
    for name, roles in (("ada", {acme.id: ["editor"], zeta.id: ["user"]}), ("bob", {zeta.id: ["admin"]})):
        user = await rooms.identity.create_user(f"{name}@example.org", PASSWORD)
        people[name] = user.id
        for tenant, held in roles.items():
            await rooms.tenancy.add_member(tenant, user.id, held)
    at = {"ada": "acme", "bob": "zeta"}
    tokens = {}
    for name in people:
        given = await rooms.identity.sign_in(f"{name}@example.org", PASSWORD, tenant=at[name])
        tokens[name] = given.access_token.encode()
    return World(rooms, acme.id, zeta.id, people["ada"], tokens)


async def test_nobody_is_anonymous_and_known_without_asking(processes: House) -> None:
    here = await world(processes)
    caller = here.callers().recall([(b"host", b"test")], "r1")
    assert caller is not None
    assert (caller.actor, caller.require_scope().tenant_id, caller.request_id) == (ANONYMOUS, DEFAULT_TENANT, "r1")


async def test_a_caller_is_looked_up_once_and_then_recalled(processes: House) -> None:
    here = await world(processes, TokenClaim())
    callers = here.callers()
    assert callers.recall(here.sent("ada"), "r1") is None
    found = await callers.identify(here.sent("ada"), "r1")
    assert (found.actor.user_id, found.actor.roles, found.require_scope().tenant_id) == (
        here.ada,
        frozenset({"editor"}),
        here.acme,
    )
    assert callers.recall(here.sent("ada"), "r1") == found


async def test_the_header_is_not_looked_at_unless_it_resolves(processes: House) -> None:
    here = await world(processes, TokenClaim())
    found = await here.callers().identify(here.sent("ada", "zeta"), "r")
    assert found.require_scope().tenant_id == here.acme


async def test_each_tenant_named_has_its_own_roles_and_none_is_mistaken_for_another(processes: House) -> None:
    here = await world(processes, Header())
    callers = here.callers()
    for _ in range(2):
        for named, tenant, roles in (
            ("acme", here.acme, frozenset({"editor"})),
            ("zeta", here.zeta, frozenset({"user"})),
        ):
            sent = here.sent("ada", named)
            caller = callers.recall(sent, "r") or await callers.identify(sent, "r")
            assert (caller.require_scope().tenant_id, caller.actor.roles) == (tenant, roles)
    for named in ("acme", str(here.acme), "nobody"):
        assert callers.recall(here.sent("bob", named), "r") is None
        with pytest.raises(NotFound):
            await callers.identify(here.sent("bob", named), "r")
    assert (await callers.identify(here.sent("bob", "zeta"), "r")).actor.is_admin


async def test_a_request_that_names_no_tenant_gets_into_none(processes: House) -> None:
    here = await world(processes, Header())
    caller = await here.callers().identify(here.sent("ada"), "r")
    assert (caller.actor.user_id, caller.actor.roles, caller.scope) == (here.ada, frozenset(), None)
    with pytest.raises(BadRequest) as refused:
        caller.require_scope()
    assert refused.value.problem_code == "tenant_required"
    anonymous = await here.callers().identify([(b"x-tenant-id", b"acme")], "r")
    assert anonymous.scope is None
    with pytest.raises(SignInRequired):
        anonymous.require_scope()


async def test_a_default_is_used_where_none_is_named(processes: House) -> None:
    here = await world(processes, Header())
    here.rooms.tenancy.options = TenancyOptions((Header(),), default="zeta")
    assert (await here.callers().identify(here.sent("ada"), "r")).require_scope().tenant_id == here.zeta


@pytest.mark.parametrize("named", ["", "é", "x" * 65, "acme\x00"])
async def test_a_header_that_names_nothing_is_refused(processes: House, named: str) -> None:
    here = await world(processes, Header())
    with pytest.raises((BadRequest, NotFound)):
        await here.callers().identify(here.sent("ada", named), "r")


async def test_two_tenants_or_two_tokens_at_once_are_refused(processes: House) -> None:
    here = await world(processes, Header())
    callers = here.callers()
    await callers.identify(here.sent("ada", "acme"), "r")
    twice = [*here.sent("ada", "acme"), (b"x-tenant-id", b"zeta")]
    assert callers.recall(twice, "r") is None
    with pytest.raises(BadRequest):
        await callers.identify(twice, "r")
    both = [*here.sent("ada", "acme"), (b"authorization", b"Bearer " + here.tokens["bob"])]
    assert callers.recall(both, "r") is None
    with pytest.raises(SignInRequired):
        await callers.identify(both, "r")


async def test_changed_roles_and_suspension_reach_a_recalled_caller(processes: House) -> None:
    here = await world(processes, Header())
    callers = here.callers()
    sent = here.sent("ada", "zeta")
    await callers.identify(sent, "r")
    assert callers.recall(sent, "r") is not None
    await here.rooms.tenancy.set_roles(here.zeta, here.ada, ["moderator"])
    assert callers.recall(sent, "r") is None
    assert (await callers.identify(sent, "r")).actor.roles == frozenset({"moderator"})
    # Suspending a tenant that the token does not name, only the header.
    await here.rooms.tenancy.suspend(here.zeta)
    assert callers.recall(sent, "r") is None
    with pytest.raises(Forbidden):
        await callers.identify(sent, "r")
    assert await callers.identify(here.sent("ada", "acme"), "r")


async def test_a_narrowed_session_stays_narrow_in_every_tenant(processes: House) -> None:
    here = await world(processes, Header())
    tokens = await here.rooms.identity.sign_in("bob@example.org", PASSWORD, tenant="zeta", scopes=["books:read"])
    sent = [(b"authorization", b"Bearer " + tokens.access_token.encode()), (b"x-tenant-id", b"zeta")]
    actor = (await here.callers().identify(sent, "r")).actor
    assert (actor.scopes, actor.narrowed, actor.is_admin) == (frozenset({"books:read"}), True, True)

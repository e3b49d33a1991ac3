"""Tenants, their members, and which tenant a request is for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from mainstay.base.errors import Conflict, Forbidden, Invalid, NotFound
from mainstay.base.ids import uuid7
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.tenancy import Header, Hints, Tenancy, TokenClaim
from mainstay.tenancy.tenant import require_slug
from tests.databases import Urls
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.rooms import House, house


@pytest.fixture
async def processes(urls: Urls) -> AsyncIterator[House]:
    async with house(urls, WoundClock()) as built:
        yield built


@pytest.fixture
async def tenancy(processes: House) -> Tenancy:
    return (await processes.open(resolvers=(Header(), TokenClaim()))).tenancy


async def test_the_default_tenant_is_made_once_by_workers_that_start_together(processes: House) -> None:
    one, two = await asyncio.gather(processes.open(), processes.open())
    assert one.tenancy.default_scope() == two.tenancy.default_scope()
    assert [tenant.id for tenant in await one.tenancy.list()] == [DEFAULT_TENANT]


async def test_a_tenant_is_found_by_id_and_by_slug(tenancy: Tenancy) -> None:
    acme = await tenancy.create("Acme & Sons")
    assert acme.slug == "acme-sons"
    for named in (acme.id, str(acme.id), "acme-sons"):
        assert (await tenancy.require(named)).id == acme.id
    for nothing in (uuid4(), str(uuid4()), "acme", "ACME-SONS", "", "é", "\x00", "x" * 300):
        assert await tenancy.get(nothing) is None
        with pytest.raises(NotFound):
            await tenancy.require(nothing)
    assert [tenant.slug for tenant in await tenancy.list()] == ["acme-sons", "default"]


@pytest.mark.parametrize("slug", ["", "Acme", "a b", "-a", "a-", "a" * 64, "é", str(UUID(int=1)), "a.b", "a/b", "a\n"])
def test_what_is_no_slug_is_refused(slug: str) -> None:
    with pytest.raises(Invalid):
        require_slug(slug)
    assert require_slug("acme-2") == "acme-2"


async def test_a_slug_is_taken_once(tenancy: Tenancy) -> None:
    await tenancy.create("Acme")
    with pytest.raises(Conflict):
        await tenancy.create("ACME")


async def test_members_come_go_and_change_roles(tenancy: Tenancy) -> None:
    acme, ada, bob = await tenancy.create("Acme"), uuid7(), uuid7()
    await tenancy.add_member(acme.id, ada, ["editor", "user"])
    await tenancy.add_member(acme.id, bob)
    assert {member.user_id: member.roles for member in await tenancy.members(acme.id)} == {
        ada: {"editor", "user"},
        bob: {"user"},
    }
    await tenancy.set_roles(acme.id, bob, ["admin"])
    assert await tenancy.roles_of(bob, acme.id) == frozenset({"admin"})
    assert await tenancy.roles_of(bob, DEFAULT_TENANT) is None
    await tenancy.remove_member(acme.id, bob)
    assert await tenancy.roles_of(bob, acme.id) is None
    with pytest.raises(Conflict):
        await tenancy.add_member(acme.id, ada)
    for change in (tenancy.set_roles(acme.id, bob, ["user"]), tenancy.remove_member(acme.id, bob)):
        with pytest.raises(NotFound):
            await change
    with pytest.raises(NotFound):
        await tenancy.add_member(uuid4(), ada)
    with pytest.raises(Invalid):
        await tenancy.set_roles(acme.id, ada, ["not a role"])


async def test_a_tenant_is_entered_by_its_members_and_no_one_else(tenancy: Tenancy) -> None:
    acme, zeta, ada = await tenancy.create("Acme"), await tenancy.create("Zeta"), uuid7()
    await tenancy.add_member(acme.id, ada, ["editor"])
    for named in ("acme", str(acme.id), str(acme.id).upper()):
        resolved = await tenancy.resolve(ada, Hints(header=named))
        assert resolved is not None
        assert (resolved[0].tenant_id, resolved[1]) == (acme.id, frozenset({"editor"}))
    for foreign in ("zeta", str(zeta.id), "default", "nobody", str(uuid4())):
        with pytest.raises(NotFound) as refused:
            await tenancy.resolve(ada, Hints(header=foreign))
        # One answer, whether the tenant exists or not.
        assert refused.value.detail == "There is no such tenant."


async def test_the_header_goes_before_the_token_and_a_request_may_name_none(tenancy: Tenancy) -> None:
    acme, zeta, ada = await tenancy.create("Acme"), await tenancy.create("Zeta"), uuid7()
    for tenant in (acme, zeta):
        await tenancy.add_member(tenant.id, ada)
    both = await tenancy.resolve(ada, Hints(header="zeta", token=acme.id))
    token = await tenancy.resolve(ada, Hints(token=acme.id))
    assert both is not None
    assert token is not None
    assert (both[0].tenant_id, token[0].tenant_id) == (zeta.id, acme.id)
    assert await tenancy.resolve(ada, Hints()) is None
    assert tenancy.resolve_anonymous() is None


async def test_a_suspended_tenant_refuses_its_members_and_still_hides_from_others(tenancy: Tenancy) -> None:
    acme, ada, bob = await tenancy.create("Acme"), uuid7(), uuid7()
    await tenancy.add_member(acme.id, ada)
    assert await tenancy.scope_of(acme.id)
    await tenancy.suspend(acme.id)
    with pytest.raises(Forbidden) as refused:
        await tenancy.resolve(ada, Hints(header="acme"))
    assert refused.value.problem_code == "tenant_suspended"
    with pytest.raises(NotFound):
        await tenancy.resolve(bob, Hints(header="acme"))
    with pytest.raises(Forbidden):
        await tenancy.scope_of(acme.id)
    with pytest.raises(Forbidden):
        await tenancy.home_of(ada)
    assert await tenancy.roles_of(ada, acme.id) is None
    await tenancy.resume(acme.id)
    assert await tenancy.roles_of(ada, acme.id) == frozenset({"user"})


async def test_a_session_starts_in_the_tenant_that_is_named_or_joined_first(tenancy: Tenancy, processes: House) -> None:
    acme, zeta, ada = await tenancy.create("Acme"), await tenancy.create("Zeta"), uuid7()
    assert isinstance(processes.clock, WoundClock)
    for tenant in (zeta, acme):
        await tenancy.add_member(tenant.id, ada)
        processes.clock.advance(1)
    assert await tenancy.home_of(ada) == zeta.id
    assert await tenancy.home_of(ada, "acme") == acme.id
    with pytest.raises(NotFound):
        await tenancy.home_of(ada, "default")
    with pytest.raises(Forbidden):
        await tenancy.home_of(uuid7())


async def test_with_one_tenant_nobody_names_it(processes: House) -> None:
    tenancy, ada = (await processes.open()).tenancy, uuid7()
    await tenancy.add_member(DEFAULT_TENANT, ada)
    resolved = await tenancy.resolve(ada, Hints(header="whatever", token=uuid7()))
    assert resolved is not None
    assert resolved[0] == tenancy.default_scope()
    assert tenancy.resolve_anonymous() == tenancy.default_scope()
    with pytest.raises(Forbidden):
        await tenancy.resolve(uuid7(), Hints())


async def test_a_tenant_says_of_members_and_guests_that_they_need_a_second_factor(tenancy: Tenancy) -> None:
    acme, ada = await tenancy.create("Acme"), uuid7()
    await tenancy.add_member(acme.id, ada)

    def script() -> Any:
        return (yield tenancy.demand_second_factor(acme.id, True)[0])

    assert not (await tenancy.enter(ada, acme.id)).second_factor
    assert await tenancy._control.write(script())
    assert not await tenancy._control.write(script())
    assert (await tenancy.require("acme")).second_factor
    assert (await tenancy.enter(ada, acme.id)).second_factor
    guest = await tenancy.enter_as_guest(acme.id, frozenset({"user"}))
    assert (guest.scope.tenant_id, guest.roles, guest.second_factor) == (acme.id, frozenset({"user"}), True)
    await tenancy.suspend(acme.id)
    with pytest.raises(Forbidden):
        await tenancy.enter_as_guest(acme.id, frozenset({"user"}))

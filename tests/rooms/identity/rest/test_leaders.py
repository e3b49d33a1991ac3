"""The last administrator of a tenant and the last operator of the system stay, whichever door they would go by."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from mainstay.base.errors import Conflict
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity.administration import Administrator, NewAccount
from mainstay.identity.leaders.another_leader import hold_person
from mainstay.testing import Backend
from mainstay.testing.backend import PASSWORD
from tests.databases import Urls
from tests.rooms.identity.rest.company import company
from tests.rooms.identity.rest.test_impersonation import act

USERS = "/auth/users"
Door = Callable[[Backend, UUID, UUID], Awaitable[Any]]
# What code and the command line do to a user of a tenant.
DOORS: dict[str, Door] = {
    "tenancy.set_roles": lambda b, tenant, user: b.app.rooms.tenancy.set_roles(tenant, user, ["user"]),
    "tenancy.remove_member": lambda b, tenant, user: b.app.rooms.tenancy.remove_member(tenant, user),
    "users take": lambda b, tenant, user: b.app.rooms.identity.administration.take(above(tenant), user, "admin"),
    "users deactivate": lambda b, tenant, user: b.app.rooms.identity.set_active(user, False),
    "deactivate": lambda b, tenant, user: b.app.rooms.identity.administration.set_active(above(tenant), user, False),
    "delete": lambda b, tenant, user: b.app.rooms.identity.administration.delete(above(DEFAULT_TENANT), user),
    "accounts.schedule_deletion": lambda b, tenant, user: b.app.rooms.identity.accounts.schedule_deletion(user),
    "users erase": lambda b, tenant, user: b.app.rooms.erase_person.now(user),
}


def above(tenant: UUID) -> Administrator:
    """The command line."""
    return Administrator(None, tenant, frozenset(), frozenset())


@pytest.fixture
def backend(urls: Urls) -> Iterator[Backend]:
    with company(urls) as backend:
        yield backend


def tenant_of(backend: Backend, slug: str) -> UUID:
    found: UUID = backend.run(backend.app.rooms.tenancy.require, slug).id
    return found


def made(backend: Backend, tenant: UUID, name: str, *roles: str) -> UUID:
    """Somebody without a password: nothing is hashed."""
    create = backend.app.rooms.identity.administration.create
    found: UUID = backend.run(create, above(tenant), NewAccount(f"{name}@example.com", ["user", *roles])).id
    return found


def test_no_door_lets_the_last_administrator_go(backend: Backend) -> None:
    boss = backend.tenant("acme").as_user("boss", ["admin"])
    root = backend.tenant("default").as_user("root", ["admin"])
    assert boss.id is not None
    tenant = tenant_of(backend, "acme")
    made(backend, tenant, "ada")

    async def refused(door: Door) -> str:
        with pytest.raises(Conflict) as told:
            await door(backend, tenant, boss.id)  # type: ignore[arg-type]  # looked at above
        assert told.value.extra == {"tenant_id": str(tenant)}
        return told.value.problem_code

    assert {name: backend.run(refused, door) for name, door in DOORS.items()} == dict.fromkeys(DOORS, "last_admin")
    theirs = f"{USERS}/{boss.id}"
    over_rest = [
        boss.post("/auth/me/delete", json={"password": PASSWORD}),
        # An operator of another tenant.
        root.post(f"{theirs}/deactivate"),
        root.patch(theirs, json={"active": False}),
        root.delete(theirs),
    ]
    assert [(each.status_code, each.json()["code"]) for each in over_rest] == [(409, "last_admin")] * 4
    assert "make another one first" in over_rest[0].json()["detail"]
    assert boss.get(USERS).status_code == 200
    # With another one there, they may.
    made(backend, tenant, "second", "admin")
    assert boss.post("/auth/me/delete", json={"password": PASSWORD}).status_code == 202
    # Who is on the way out counts no more: now the second is the last.
    second = backend.run(backend.app.rooms.identity.find_user, "second@example.com")
    assert second is not None
    assert root.post(f"{USERS}/{second.id}/deactivate").json()["code"] == "last_admin"


def test_every_door_is_open_while_another_one_stays(backend: Backend) -> None:
    backend.tenant("acme")
    tenant = tenant_of(backend, "acme")
    made(backend, tenant, "boss", "admin")
    for number, door in enumerate(DOORS.values()):
        backend.run(door, backend, tenant, made(backend, tenant, f"extra{number}", "admin"))
    members = backend.run(backend.app.rooms.tenancy.members, tenant)
    boss = backend.run(backend.app.rooms.identity.find_user, "boss@example.com")
    assert boss is not None
    assert boss.id in {each.user_id for each in members if "admin" in each.roles}
    # Nobody is kept who leads nothing.
    backend.run(DOORS["users erase"], backend, tenant, made(backend, tenant, "eve"))


def test_the_last_operator_of_the_system_stays(backend: Backend) -> None:
    keeper = made(backend, DEFAULT_TENANT, "keeper", "system")
    eve = made(backend, DEFAULT_TENANT, "eve")

    async def refused(door: Door) -> str:
        with pytest.raises(Conflict) as told:
            await door(backend, DEFAULT_TENANT, keeper)
        return told.value.problem_code

    doors = {name: door for name, door in DOORS.items() if name != "users take"}
    assert {name: backend.run(refused, door) for name, door in doors.items()} == dict.fromkeys(doors, "last_operator")
    # An administrator of the default tenant operates too; one whose name only begins alike does not.
    set_roles = backend.app.rooms.tenancy.set_roles
    backend.run(set_roles, DEFAULT_TENANT, eve, ["user", "system-watcher"])
    assert backend.run(refused, doors["tenancy.set_roles"]) == "last_operator"
    backend.run(set_roles, DEFAULT_TENANT, eve, ["user", "admin"])
    backend.run(set_roles, DEFAULT_TENANT, keeper, ["user"])


@pytest.mark.parametrize("doors", [("accounts.schedule_deletion",) * 2, ("tenancy.set_roles",) * 2,
    ("users erase", "tenancy.remove_member"), ("users deactivate", "users take")])  # fmt: skip
def test_of_two_who_go_at_once_one_stays(backend: Backend, doors: tuple[str, str]) -> None:
    backend.tenant("acme"), backend.tenant("zeta")
    here, there = tenant_of(backend, "acme"), tenant_of(backend, "zeta")
    one, two = (made(backend, here, name, "admin") for name in ("one", "two"))
    for user in (one, two):
        # They lead two tenants, so that each has to hold both.
        backend.run(backend.app.rooms.tenancy.add_member, there, user, ["admin"])

    async def both() -> list[Any]:
        gone = (DOORS[door](backend, here, user) for door, user in zip(doors, (one, two), strict=True))
        return await asyncio.gather(*gone, return_exceptions=True)

    told = [each.problem_code if isinstance(each, Conflict) else each for each in backend.run(both)]
    assert told.count("last_admin") == 1, told
    # Where a role was taken here, the other one led there all the while.
    for tenant in (here, there):
        members = {each.user_id: each.roles for each in backend.run(backend.app.rooms.tenancy.members, tenant)}
        active = [user for user in (one, two) if _counts(backend, user)]
        assert [user for user in active if "admin" in members.get(user, ())]


def _counts(backend: Backend, user: UUID) -> bool:
    room = backend.app.rooms.identity._room
    return bool(backend.run(lambda: room.control.write(hold_person(room, user))))


@pytest.mark.parametrize("deed", ["tenancy.set_roles", "tenancy.remove_member", "factors.reset"])
def test_what_code_does_to_an_administrator_ends_whom_they_act_as(backend: Backend, deed: str) -> None:
    acme = backend.tenant("acme")
    boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada")
    tenant = tenant_of(backend, "acme")
    made(backend, tenant, "second", "admin")
    assert boss.id is not None
    acting = act(boss, ada)
    assert backend.client.get("/auth/me", headers=acting).status_code == 200
    if deed == "factors.reset":
        backend.run(backend.app.rooms.identity.factors.reset, above(tenant), boss.id)
    else:
        backend.run(DOORS[deed], backend, tenant, boss.id)
    assert backend.client.get("/auth/me", headers=acting).status_code == 401
    assert ada.get("/auth/me").status_code == 200


def test_a_member_whom_code_makes_an_administrator_is_acted_as_no_longer(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada")
    assert ada.id is not None
    acting = act(boss, ada)
    backend.run(backend.app.rooms.tenancy.set_roles, tenant_of(backend, "acme"), ada.id, ["user", "admin"])
    assert backend.client.get("/auth/me", headers=acting).status_code == 401

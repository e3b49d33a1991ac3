"""G1: tiers that operators give to a user or to a tenant's members, on every process within a second."""

import pytest

from mainstay.base.tenant import DEFAULT_TENANT
from tests.databases import Urls
from tests.rooms.assembly.live import Processes, two_processes, within_a_second

TIERS = {"free": "100/hour", "premium": "1000/hour", "enterprise": "10000/hour", "slow": "10/hour"}
BOOKS = "/api/v1/books"


async def limit(processes: Processes, headers: dict[str, str], *, there: bool = False) -> str:
    client = processes.there if there else processes.here
    return (await client.get(BOOKS, headers=headers)).headers["x-ratelimit-limit"]


async def test_a_user_s_and_a_tenant_s_tier_hold_on_every_process_and_are_taken_back(urls: Urls) -> None:
    async with two_processes(urls, limits=True, limits_tiers=TIERS) as processes:
        root, ada = await processes.sign_in(), await processes.sign_in("ada@example.com", ("user",))
        bob = await processes.sign_in("bob@example.com", ("user", "premium"))
        user_id = (await processes.here.get("/auth/me", headers=ada)).json()["id"]
        tenant, user = f"/system/tiers/{DEFAULT_TENANT}", f"/system/tiers/{DEFAULT_TENANT}/users/{user_id}"
        assert await limit(processes, ada) == "100"

        put = await processes.here.put(user, json={"tier": "slow"}, headers=root)
        assert (put.status_code, put.json()) == (200, {"tier": "slow"}), put.text
        assert await limit(processes, ada) == "10"

        async def slow_there() -> bool:
            return await limit(processes, ada, there=True) == "10"

        await within_a_second(slow_there)
        assert (await processes.here.get(user, headers=root)).json() == {"tier": "slow"}
        listed = (await processes.there.get("/system/tiers", headers=root)).json()["items"]
        assert listed == [{"tenant": str(DEFAULT_TENANT), "user_id": user_id, "tier": "slow"}]
        assert (await processes.here.delete(user, headers=root)).status_code == 204

        assert (await processes.here.get("/system/tiers", headers=ada)).status_code == 403
        assert (await processes.here.get("/system/tiers", headers=root)).json() == {"items": []}

        # All members have at least the tenant's tier; whose role gives more keeps it.
        await processes.here.put(tenant, json={"tier": "premium"}, headers=root)
        assert [await limit(processes, who) for who in (ada, bob, root)] == ["1000", "1000", "unlimited"]
        await processes.here.put(tenant, json={"tier": "slow"}, headers=root)
        assert [await limit(processes, who) for who in (ada, bob)] == ["10", "1000"]
        assert (await processes.here.delete(tenant, headers=root)).status_code == 204
        assert await limit(processes, ada) == "100"
        assert (await processes.here.get(tenant, headers=root)).json() == {"tier": None}


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (f"/system/tiers/{DEFAULT_TENANT}", {"tier": "gold"}, 409, "unknown_tier"),
        (f"/system/tiers/{DEFAULT_TENANT}", {}, 422, "invalid"),
        ("/system/tiers/nowhere", {"tier": "free"}, 404, "not_found"),
        (f"/system/tiers/{DEFAULT_TENANT}/users/{DEFAULT_TENANT}", {"tier": "free"}, 404, "not_found"),
        (f"/system/tiers/{DEFAULT_TENANT}/users/ada", {"tier": "free"}, 422, "invalid"),
    ],
)
async def test_what_is_no_tier_tenant_or_member_is_refused(
    sqlite_urls: Urls, path: str, body: dict[str, str], status: int, code: str
) -> None:
    async with two_processes(sqlite_urls, limits=True) as processes:
        root = await processes.sign_in()
        refused = await processes.here.put(path, json=body, headers=root)
        assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_only_operators_give_tiers(sqlite_urls: Urls) -> None:
    async with two_processes(sqlite_urls, limits=True) as processes:
        ada = await processes.sign_in("ada@example.com", ("user",))
        path = f"/system/tiers/{DEFAULT_TENANT}"
        assert (await processes.here.put(path, json={"tier": "premium"})).status_code == 401
        for method in ("PUT", "GET", "DELETE"):
            body = {"tier": "premium"} if method == "PUT" else None
            assert (await processes.here.request(method, path, headers=ada, json=body)).status_code == 403
        assert await limit(processes, ada) == "100"

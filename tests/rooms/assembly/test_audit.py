"""B12 in an app: sign-ins, failures, sign-outs, administrators and impersonators leave entries; others pay nothing."""

import asyncio
from typing import Any

import httpx

from mainstay import Mainstay
from mainstay.telemetry.audit import SYSTEM_CHAIN, Filter
from tests.databases import Urls
from tests.journeys.shop import PASSWORD, a_book, settings_for, shop, signed_in_as, visiting
from tests.rooms.assembly.live import two_processes


async def chained(app: Mainstay) -> None:
    """Everything that was done is in its chain, whichever process put it there."""
    while await app.rooms.relay.step() or await app.rooms.relay.oldest() is not None:
        await asyncio.sleep(0.01)
    await app.rooms.audit.flush()
    while await app.rooms.audit.waiting() or await app.rooms.audit.chaining.behind():
        await app.rooms.audit.settle()
        await asyncio.sleep(0.01)


async def entries(client: httpx.AsyncClient, headers: dict[str, str], app: Mainstay, **query: Any) -> list[Any]:
    """What `GET /audit` tells, once everything is chained; oldest first, without looks at the audit itself."""
    await chained(app)
    answer = await client.get("/audit", params={"limit": 200, **query}, headers=headers)
    assert answer.status_code == 200, answer.text
    return [each for each in answer.json()["items"][::-1] if each["name"] != "audit.read"]


async def test_a_sign_in_tells_who_what_where_when_and_a_refused_one_too(urls: Urls) -> None:
    async with two_processes(urls, trusted_proxies=("127.0.0.1",)) as processes:
        root = await processes.sign_in()
        await processes.sign_in("ada@example.com", ("user",))
        proxied = {"X-Forwarded-For": "203.0.113.9", "User-Agent": "Browser/1.0", "X-Request-ID": "request-0001"}
        body = {"email": "ada@example.com", "password": PASSWORD}
        tokens = (await processes.here.post("/auth/sign-in", json=body, headers=proxied)).json()
        theirs = {"Authorization": f"Bearer {tokens['access_token']}"}
        me = (await processes.here.get("/auth/me", headers=theirs)).json()
        wrong = await processes.here.post("/auth/sign-in", json={**body, "password": "wrong"}, headers=proxied)
        assert wrong.status_code == 401
        assert (await processes.here.post("/auth/sign-out", headers=theirs)).status_code == 204

        found = await entries(processes.here, root, processes.app, user=me["id"])
        signed_in = next(each for each in found if each["request_id"] == "request-0001")
        assert (signed_in["name"], signed_in["user_id"]) == ("session.started", me["id"])
        assert signed_in["session_id"] == me["session_id"]
        assert signed_in["origin"]["address"] == "203.0.113.9"
        assert signed_in["origin"]["agent"] == "Browser/1.0"
        assert signed_in["origin"]["method"] == "POST"
        assert signed_in["origin"]["route"] == "/auth/sign-in"
        assert signed_in["at"].endswith("Z")
        names = [each["name"] for each in found]
        assert "session.ended" in names, names
        refused = next(each for each in found if each["name"] == "session.refused")
        assert (refused["actor_id"], refused["origin"]["address"]) == (None, "203.0.113.9")
        assert all(PASSWORD not in str(each) and "wrong" not in str(each["details"]) for each in found)
        assert all(each.holds for each in await processes.app.rooms.audit.verify())


async def test_changes_by_administrators_are_audited_and_those_of_others_by_setting_alone(urls: Urls) -> None:
    async with two_processes(urls) as processes:
        root = await processes.sign_in()
        ada = await processes.sign_in("ada@example.com", ("user",))
        await a_book(processes.here, ada)
        book = await a_book(processes.here, root)
        await processes.here.patch(f"/api/v1/books/{book['id']}", json={"title": "Other"}, headers=root)
        me = (await processes.here.get("/auth/me", headers=root)).json()
        found = await entries(processes.here, root, processes.app, name="books.*")
        assert [(each["name"], each["subject"], each["actor_id"]) for each in found] == [
            ("books.created", book["id"], me["id"]),
            ("books.updated", book["id"], me["id"]),
        ]
        assert found[1]["details"] == {"version": 2, "fields": ["title", "updated_at"]}
        assert found[1]["origin"]["method"] == "PATCH"
        assert found[1]["origin"]["admin"] is True
        assert found[1]["session_id"] == me["session_id"]
        assert "Other" not in str(found), "values stay in the row, where they can be erased"


async def test_every_write_is_audited_where_the_setting_says_so(urls: Urls) -> None:
    app = shop(urls, settings=settings_for(urls, audit={"every": True}))
    async with visiting(app) as client:
        await app.rooms.identity.create_user("ada@example.com", PASSWORD)
        ada = await signed_in_as(client)
        book = await a_book(client, ada)
        me = (await client.get("/auth/me", headers=ada)).json()["id"]
        await app.rooms.tenancy.set_roles(app.rooms.tenancy.default_scope().tenant_id, me, ["admin"])
        found = await entries(client, await signed_in_as(client), app, name="books.*")
        assert [(each["subject"], each["actor_id"]) for each in found] == [(book["id"], me)]
        assert found[0]["origin"]["route"].startswith("/api/v1/books")


async def test_what_operators_see_and_change_is_audited_a_change_before_it_is_made(urls: Urls) -> None:
    async with two_processes(urls) as processes:
        root = await processes.sign_in()
        assert (await processes.here.get("/system/maintenance", headers=root)).status_code == 200
        refused = await processes.here.put("/system/maintenance", json={"on": "perhaps"}, headers=root)
        assert refused.status_code == 422
        found = await entries(processes.here, root, processes.app, chain="system", name="system.*")
        assert [(each["name"], each["subject"]) for each in sorted(found, key=lambda each: each["name"])] == [
            ("system.change_requested", "/system/maintenance"),
            ("system.read", "/system/maintenance"),
        ]


async def test_only_administrators_read_and_only_their_tenant_s(urls: Urls) -> None:
    async with two_processes(urls, tenant_from="token") as processes:
        root = await processes.sign_in()
        acme = await processes.app.rooms.tenancy.create("Acme")
        boss = await processes.sign_in("boss@example.com", ("admin",), tenant=acme.id)
        ada = await processes.sign_in("ada@example.com", ("user",))
        assert (await processes.here.get("/audit")).status_code == 401
        refused = await processes.here.get("/audit", headers=ada)
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
        narrowed = await processes.sign_in(scopes=["admin:read"])
        assert (await processes.here.get("/audit", headers=narrowed)).status_code == 200
        for headers, status in ((boss, 403), (narrowed, 403), (root, 200)):
            answer = await processes.here.get("/audit", params={"chain": "system"}, headers=headers)
            assert answer.status_code == status
        me = (await processes.here.get("/auth/me", headers=boss)).json()["id"]
        here = await entries(processes.here, boss, processes.app)
        assert {each["user_id"] for each in here if each["user_id"]} == {me}
        there = await entries(processes.here, root, processes.app)
        assert me not in {each["user_id"] for each in there}


async def test_pages_go_on_and_unknown_questions_are_refused(sqlite_urls: Urls) -> None:
    async with two_processes(sqlite_urls) as processes:
        root = await processes.sign_in()
        for _ in range(6):
            await processes.sign_in("ada@example.com", ("user",))
        whole = await entries(processes.here, root, processes.app, name="session.started")
        seen: list[int] = []
        query: dict[str, Any] = {"limit": 2, "name": "session.started"}
        while True:
            page = (await processes.here.get("/audit", params=query, headers=root)).json()
            seen += [each["seq"] for each in page["items"]]
            if page["next"] is None:
                break
            query["after"] = page["next"]
        assert seen == [each["seq"] for each in whole[::-1]]
        for wrong in ({"limit": 0}, {"limit": 201}, {"since": "noon"}, {"usr": "x"}, {"name": "a b"}, {"user": "me"}):
            assert (await processes.here.get("/audit", params=wrong, headers=root)).status_code == 422, wrong


async def test_the_entries_of_the_system_say_when_the_command_line_did_it(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)
    async with visiting(app):
        await app.rooms.identity.create_user("ada@example.com", PASSWORD)
        await chained(app)
        chains = [SYSTEM_CHAIN, app.rooms.tenancy.default_scope().tenant_id]
        found = [each for chain in chains for each in await app.rooms.audit.entries.page(chain, Filter(), 50)]
        made = [each for each in found if each["name"] == "account.created"]
        assert made[0]["origin"] == {"by": "the command line"}
        assert made[0]["actor_id"] is None


async def test_an_administrator_s_look_at_others_accounts_is_audited_and_counted(urls: Urls) -> None:
    async with two_processes(urls) as processes:
        root = await processes.sign_in()
        ada = await processes.sign_in("ada@example.com", ("user",))
        me = (await processes.here.get("/auth/me", headers=ada)).json()["id"]
        for _ in range(10):
            assert (await processes.here.get(f"/auth/users/{me}", headers=root)).status_code == 200
        assert (await processes.here.get("/auth/users", headers=root)).status_code == 200
        by = (await processes.here.get("/auth/me", headers=root)).json()["id"]
        found = await entries(processes.here, root, processes.app, name="user*")
        looks = [each for each in found if each["name"] == "user.read"]
        assert [(each["actor_id"], each["user_id"]) for each in looks] == [(by, me)] * 3, "the rest is counted"
        assert [each["actor_id"] for each in found if each["name"] == "users.listed"] == [by]
        await processes.app.rooms.audit.flush(all_of_it=True)
        counted = await entries(processes.here, root, processes.app, name="user.read")
        assert sum(each["details"].get("times", 1) for each in counted) == 10


async def test_what_an_impersonator_does_says_so(urls: Urls) -> None:
    async with two_processes(urls) as processes:
        root = await processes.sign_in()
        ada = await processes.sign_in("ada@example.com", ("user",))
        me = (await processes.here.get("/auth/me", headers=ada)).json()["id"]
        by = (await processes.here.get("/auth/me", headers=root)).json()["id"]
        body = {"user_id": me, "reason": "ticket 4711"}
        answer = await processes.here.post("/auth/impersonate", json=body, headers=root)
        assert answer.status_code == 201, answer.text
        acting = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        book = await a_book(processes.here, acting)
        found = await entries(processes.here, root, processes.app, name="books.*")
        assert [(each["subject"], each["actor_id"], each["impersonator_id"]) for each in found] == [
            (book["id"], me, by)
        ]
        began = await entries(processes.here, root, processes.app, name="impersonation.*")
        assert [each["user_id"] for each in began] == [me]
        refused = await processes.here.get("/auth/me/export", headers=acting)
        assert refused.status_code == 403

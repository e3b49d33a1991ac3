"""Users over REST: whom an administrator sees and changes, and where that ends."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from mainstay.testing import Backend
from tests.databases import Urls
from tests.rooms.identity.rest.company import company, journal, key_headers

USERS = "/auth/users"


@pytest.fixture
def backend(urls: Urls) -> Iterator[Backend]:
    with company(urls) as backend:
        yield backend


def emails(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["email"].partition("@")[0] for each in answer.json()["items"]]


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_an_administrator_sees_the_members_of_the_tenant_alone(backend: Backend) -> None:
    acme, zeta = backend.tenant("acme"), backend.tenant("zeta")
    boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada", ["moderator"])
    zoe = zeta.as_user("zoe", ["admin"])
    assert sorted(emails(boss.get(USERS))) == ["ada", "boss"]
    assert sorted(emails(ada.get(USERS))) == ["ada", "boss"]
    assert code(acme.as_user("eve").get(USERS)) == (403, "insufficient_scope")
    assert backend.tenant("acme").anonymous.get(USERS).status_code == 401
    assert boss.get(f"{USERS}/{ada.id}").json()["roles"] == ["moderator"]
    # Somebody else's member is nobody here, on every route.
    for method, path, body in (
        ("GET", "", None), ("PATCH", "", {"active": False}), ("POST", "/activate", None), ("POST", "/deactivate", None),
        ("DELETE", "", None), ("PUT", "/roles", {"roles": ["admin"]}), ("PUT", "/roles/admin", None),
        ("DELETE", "/roles/admin", None),
    ):  # fmt: skip
        answer = boss.request(method, f"{USERS}/{zoe.id}{path}", json=body)
        assert answer.status_code == 404, (method, path, answer.text)
    assert emails(zoe.get(USERS)) == ["zoe"]


def test_an_operator_sees_everybody(backend: Backend) -> None:
    backend.tenant("acme").as_user("ada")
    operator = backend.tenant("default").as_user("root", ["admin"])
    support = backend.tenant("default").as_user("support", ["moderator"])
    assert sorted(emails(operator.get(USERS))) == ["ada", "root", "support"]
    found = {each["email"]: each["roles"] for each in operator.get(USERS).json()["items"]}
    assert found["ada@example.com"] is None
    # `user:read` in the default tenant, without `system:*`, is like anywhere else.
    assert sorted(emails(support.get(USERS))) == ["root", "support"]


def test_lists_are_filtered_sorted_and_paged(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss = acme.as_user("boss", ["admin"])
    for name in ("anna", "bert", "carl_x", "carlyx"):
        boss.post(USERS, json={"email": f"{name}@example.com", "roles": ["user"]})
    everybody = ["anna", "bert", "boss", "carl_x", "carlyx"]
    assert emails(boss.get(f"{USERS}?sort=email")) == everybody
    assert emails(boss.get(f"{USERS}?sort=-email")) == everybody[::-1]
    for sort in ("email", "-email", "created_at", "-created_at"):
        whole, found, after = emails(boss.get(f"{USERS}?sort={sort}")), [], ""
        for _ in range(9):
            page = boss.get(f"{USERS}?sort={sort}&limit=2{after}").json()
            found += [each["email"].partition("@")[0] for each in page["items"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert found == whole
    assert emails(boss.get(f"{USERS}?q=CARL&sort=email")) == ["carl_x", "carlyx"]
    # Wildcards of the database are letters here.
    assert emails(boss.get(f"{USERS}?q=carl_x")) == ["carl_x"]
    assert emails(boss.get(f"{USERS}?q=%25")) == []
    assert emails(boss.get(f"{USERS}?role=admin")) == ["boss"]
    assert emails(boss.get(f"{USERS}?email=ANNA@example.com")) == ["anna"]
    assert emails(boss.get(f"{USERS}?active=false")) == []
    cursor = boss.get(f"{USERS}?sort=email&limit=1").json()["next"]
    for query in (f"sort=-email&after={cursor}", "after=x", "after=%C3%A9", "sort=created_at&after=" + cursor):
        assert code(boss.get(f"{USERS}?{query}")) == (400, "cursor_refused"), query
    assert code(boss.get(f"{USERS}?rolle=admin")) == (400, "unknown_parameter")
    assert boss.get(f"{USERS}?limit=100000").status_code == 422


def test_an_account_is_made_and_its_password_is_its_owners(backend: Backend) -> None:
    boss = backend.tenant("acme").as_user("boss", ["admin"])
    made = boss.post(USERS, json={"email": "New@Example.com", "roles": ["moderator"]})
    assert made.status_code == 201
    assert made.json()["email"] == "new@example.com"
    assert made.headers["location"] == f"{USERS}/{made.json()['id']}"
    assert code(boss.post(USERS, json={"email": "new@example.com"})) == (409, "email_taken")
    # Who chose the password of an account could follow it into the next tenant.
    refused = boss.post(USERS, json={"email": "victim@example.com", "password": "a fine long passphrase"})
    assert code(refused) == (403, "password_refused")
    operator = backend.tenant("default").as_user("root", ["admin"])
    made = operator.post(USERS, json={"email": "known@example.com", "password": "a fine long passphrase"})
    assert made.status_code == 201, made.text
    signed = backend.client.post(
        "/auth/sign-in", json={"email": "known@example.com", "password": "a fine long passphrase"}
    )
    assert signed.status_code == 200, signed.text


def test_an_administrator_sees_who_somebody_is_and_how_they_come_in(backend: Backend) -> None:
    boss = backend.tenant("acme").as_user("boss", ["admin"])
    root = backend.tenant("default").as_user("root", ["admin"])
    named = {"username": "Countess", "display_name": "Ada Lovelace", "language": "de"}
    made = boss.post(USERS, json={"email": "ada@example.com", **named}).json()
    assert (made["username"], made["display_name"], made["language"]) == ("countess", "Ada Lovelace", "de")
    assert (made["email_verified"], made["second_factors"], made["last_sign_in_at"]) == (False, [], None)
    # Both names are found, whatever the case; and nobody's missing name is.
    assert emails(boss.get(f"{USERS}?q=COUNT")) == emails(boss.get(f"{USERS}?q=love")) == ["ada"]
    assert emails(boss.get(f"{USERS}?q=none")) == []
    # A sign-in to another customer is no business of this one's administrators.
    eve = backend.tenant("zeta").as_user("eve")
    people = backend.app.rooms.tenancy
    backend.run(people.add_member, backend.run(people.require, "acme").id, eve.id, ["user"])
    assert boss.get(f"{USERS}/{eve.id}").json()["last_sign_in_at"] is None
    assert root.get(f"{USERS}/{eve.id}").json()["last_sign_in_at"] is not None
    assert boss.get(f"{USERS}/{boss.id}").json()["last_sign_in_at"] is not None
    backend.run(backend.app.rooms.identity.accounts.schedule_deletion, eve.id)
    leaving = boss.get(f"{USERS}/{eve.id}").json()
    assert (leaving["active"], leaving["deletion_at"] is None) == (True, False)


def test_names_are_corrected_by_administrators_and_addresses_by_operators(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss, ada, eve = acme.as_user("boss", ["admin"]), acme.as_user("ada"), acme.as_user("eve")
    root = backend.tenant("default").as_user("root", ["admin"])
    path = f"{USERS}/{ada.id}"
    changed = boss.patch(path, json={"username": "ada", "display_name": "Ada", "language": "en"})
    assert (changed.status_code, changed.json()["username"]) == (200, "ada")
    assert boss.patch(path, json={"display_name": None}).json()["display_name"] is None
    assert boss.get(path).json()["username"] == "ada"
    assert code(boss.patch(f"{USERS}/{eve.id}", json={"username": "ADA"})) == (409, "username_taken")
    assert code(boss.patch(path, json={"username": "admin"})) == (409, "username_taken")
    assert boss.patch(path, json={"username": "a b"}).status_code == 422
    assert code(boss.patch(path, json={"email": "mine@example.com"})) == (403, "email_refused")
    assert code(root.patch(f"{USERS}/{root.id}", json={"email": "x@example.com"})) == (409, "own_account")
    assert code(root.patch(path, json={"email": "eve@example.com"})) == (409, "email_taken")
    assert ada.get("/auth/me").status_code == 200

    forgotten = backend.client.post("/auth/password/forgot", json={"email": "ada@example.com"})
    assert forgotten.status_code == 202
    token = backend.mailbox.last("ada@example.com").link.rpartition("=")[2]
    moved = root.patch(path, json={"email": "Lovelace@example.com"})
    assert (moved.json()["email"], moved.json()["email_verified"]) == ("lovelace@example.com", True)
    # Sessions end, letters to the old address open nothing, and who reads them is told.
    assert ada.get("/auth/me").status_code == 401
    reset = backend.client.post("/auth/password/reset", json={"token": token, "password": "a fine long passphrase"})
    assert code(reset) == (403, "letter_refused")
    assert "lovelace@example.com" in backend.mailbox.last("ada@example.com").text
    for login, status in (("ada@example.com", 401), ("lovelace@example.com", 200)):
        signed = {"email": login, "password": "a password for tests"}
        answer = backend.client.post("/auth/sign-in", json=signed, headers={"X-Tenant-ID": "acme"})
        assert answer.status_code == status, answer.text
    changed_by = [each["actor_id"] for each in journal(backend) if each["name"] == "email.changed"]
    assert changed_by == [str(root.id)]


def test_nobody_gives_more_than_they_hold(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada")
    backend.app.rooms.identity.catalogue.add_role("clerk", ["user:read", "user:write", "admin:write"])
    clerk = acme.as_user("clerk", ["clerk"])
    # `clerk` holds admin:write, and so may give what amounts to no more than a clerk.
    assert clerk.put(f"{USERS}/{ada.id}/roles/moderator").status_code == 200
    assert clerk.put(f"{USERS}/{ada.id}/roles/clerk").status_code == 200
    assert code(clerk.put(f"{USERS}/{ada.id}/roles/admin")) == (403, "insufficient_role")
    assert code(clerk.put(f"{USERS}/{clerk.id}/roles/admin")) == (403, "insufficient_role")
    assert code(clerk.put(f"{USERS}/{ada.id}/roles/system")) == (403, "insufficient_scope")
    assert code(clerk.post(USERS, json={"email": "x@example.com", "roles": ["admin"]})) == (403, "insufficient_role")
    assert code(clerk.put(f"{USERS}/{ada.id}/roles", json={"roles": ["owner"]})) == (409, "unknown_role")
    # Nor lays hands on those who hold more.
    for method, path in (("POST", "/deactivate"), ("DELETE", "/roles/admin")):
        assert code(clerk.request(method, f"{USERS}/{boss.id}{path}"))[0] == 403
    assert code(clerk.put(f"{USERS}/{boss.id}/roles", json={"roles": ["user"]}))[0] == 403
    assert code(clerk.delete(f"{USERS}/{boss.id}"))[0] == 403
    # A key of the administrator's with less scopes gives less than the administrator.
    key = boss.post("/auth/keys", json={"name": "x", "scopes": ["user:read", "user:write", "admin:write"]}).json()
    headers = key_headers(key["key"])
    assert code(backend.client.put(f"{USERS}/{ada.id}/roles/admin", headers=headers)) == (403, "insufficient_scope")
    assert backend.client.put(f"{USERS}/{ada.id}/roles/moderator", headers=headers).status_code == 200


def test_a_role_that_rules_speak_of_is_given_by_those_who_hold_it(backend: Backend) -> None:
    acme = backend.tenant("acme")
    catalogue = backend.app.rooms.identity.catalogue
    catalogue.add_role("hr", ["user:read", "user:write"])
    catalogue.add_role("editor")
    hr, editor = acme.as_user("hr", ["hr"]), acme.as_user("ed", ["hr", "editor"])
    # It adds no scope, but access rules may give it every row.
    refused = hr.post(USERS, json={"email": "mole@example.com", "roles": ["editor"]})
    assert code(refused) == (403, "insufficient_role")
    assert editor.post(USERS, json={"email": "mole@example.com", "roles": ["editor"]}).status_code == 201


def test_the_last_administrator_stays(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss = acme.as_user("boss", ["admin"])
    assert code(boss.delete(f"{USERS}/{boss.id}/roles/admin")) == (409, "last_admin")
    assert code(boss.put(f"{USERS}/{boss.id}/roles", json={"roles": ["user"]})) == (409, "last_admin")
    assert code(boss.post(f"{USERS}/{boss.id}/deactivate")) == (409, "own_account")
    assert code(boss.delete(f"{USERS}/{boss.id}")) == (409, "own_account")
    # A program with the role is nobody who could let people in.
    made = boss.post("/auth/service-accounts", json={"name": "robot", "roles": ["admin"]})
    assert made.status_code == 201, made.text
    assert code(boss.delete(f"{USERS}/{boss.id}/roles/admin")) == (409, "last_admin")
    second = acme.as_user("second", ["admin"])
    assert second.delete(f"{USERS}/{boss.id}/roles/admin").json() == {"roles": ["user"]}
    assert code(second.delete(f"{USERS}/{second.id}/roles/admin")) == (409, "last_admin")
    # A shut administrator does not count.
    acme.as_user("third", ["admin"])
    third = backend.run(backend.app.rooms.identity.find_user, "third@example.com")
    assert third is not None
    assert second.post(f"{USERS}/{third.id}/deactivate").json()["active"] is False
    assert code(second.delete(f"{USERS}/{second.id}/roles/admin")) == (409, "last_admin")


def test_an_account_that_belongs_elsewhere_too_is_out_of_reach(backend: Backend) -> None:
    boss = backend.tenant("acme").as_user("boss", ["admin"])
    here, there = backend.tenant("acme").as_user("ada"), backend.tenant("zeta").as_user("ada")
    assert code(boss.post(f"{USERS}/{here.id}/deactivate")) == (403, "shared_account")
    assert code(boss.patch(f"{USERS}/{here.id}", json={"active": False})) == (403, "shared_account")
    assert there.get("/auth/me").status_code == 200
    # Taking them out of one's own tenant leaves the other alone.
    assert boss.delete(f"{USERS}/{here.id}").status_code == 204
    assert here.get("/api/v1/notes").status_code == 404
    assert there.get("/api/v1/notes").status_code == 200
    operator = backend.tenant("default").as_user("root", ["admin"])
    assert operator.post(f"{USERS}/{there.id}/deactivate").status_code == 200
    assert there.get("/api/v1/notes").status_code == 401


def test_an_inactive_user_is_refused_at_once_on_every_surface(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada")
    key = ada.post("/auth/keys", json={"name": "x", "scopes": ["notes:read"]}).json()["key"]
    credentials = {"email": "ada@example.com", "password": "a password for tests"}
    tokens = backend.client.post("/auth/sign-in", json=credentials, headers={"X-Tenant-ID": "acme"}).json()
    browser = backend.client.post(
        "/auth/sign-in", json=credentials | {"mode": "cookie"}, headers={"X-Tenant-ID": "acme"}
    )
    cookie = {"Cookie": browser.headers["set-cookie"].partition(";")[0], "X-Tenant-ID": "acme"}
    backend.client.cookies.clear()
    assert backend.client.get("/api/v1/notes", headers=cookie).status_code == 200
    assert ada.get("/api/v1/notes").status_code == 200
    assert backend.client.get("/api/v1/notes", headers=key_headers(key)).status_code == 200

    assert boss.post(f"{USERS}/{ada.id}/deactivate").json()["active"] is False
    assert ada.get("/api/v1/notes").status_code == 401
    assert ada.get("/auth/me").status_code == 401
    assert backend.client.get("/api/v1/notes", headers=cookie).status_code == 401
    assert backend.client.get("/api/v1/notes", headers=key_headers(key)).status_code == 401
    assert backend.client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]}).status_code == 401
    wrong = backend.client.post(
        "/auth/sign-in", json=credentials | {"password": "wrong"}, headers={"X-Tenant-ID": "acme"}
    )
    shut = backend.client.post("/auth/sign-in", json=credentials, headers={"X-Tenant-ID": "acme"})
    assert (shut.status_code, shut.json()["detail"]) == (wrong.status_code, wrong.json()["detail"])

    assert boss.post(f"{USERS}/{ada.id}/activate").json()["active"] is True
    # Keys are good again; sessions are not, for whoever took one may still hold it.
    assert backend.client.get("/api/v1/notes", headers=key_headers(key)).status_code == 200
    assert ada.get("/auth/me").status_code == 401
    assert backend.client.post("/auth/sign-in", json=credentials, headers={"X-Tenant-ID": "acme"}).status_code == 200


def test_roles_are_replaced_given_and_taken(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada")
    path = f"{USERS}/{ada.id}/roles"
    assert boss.put(path, json={"roles": ["moderator", "user"]}).json() == {"roles": ["moderator", "user"]}
    assert ada.get(USERS).status_code == 200
    assert boss.delete(f"{path}/moderator").json() == {"roles": ["user"]}
    assert ada.get(USERS).status_code == 403
    assert boss.delete(f"{path}/user").json() == {"roles": ["user"]}
    assert boss.put(f"{path}/moderator").json() == {"roles": ["moderator", "user"]}
    assert boss.put(path, json={"roles": []}).status_code == 422
    named = {each["name"]: each["scopes"] for each in ada.get("/auth/roles").json()["items"]}
    assert named["moderator"] == ["user:read"]
    assert "admin:write" in named["admin"]


def test_a_service_account_lives_in_its_tenant_and_signs_in_nowhere(backend: Backend) -> None:
    boss = backend.tenant("acme").as_user("boss", ["admin"])
    other = backend.tenant("zeta").as_user("zoe", ["admin"])
    accounts = "/auth/service-accounts"
    robot = boss.post(accounts, json={"name": "robot", "roles": ["user"]}).json()
    assert code(boss.post(accounts, json={"name": "robot"})) == (409, "name_taken")
    key = boss.post(f"{accounts}/{robot['id']}/keys", json={"name": "k", "scopes": ["notes:write", "user:read"]}).json()
    made = backend.client.post("/api/v1/notes", headers=key_headers(key["key"]), json={"text": "beep"})
    assert made.status_code == 201
    # Its own roles bound it, whatever its maker holds.
    assert backend.client.get(USERS, headers=key_headers(key["key"])).status_code == 403
    assert emails(boss.get(USERS)) == ["boss"]
    for method, path, body in (
        ("GET", "/keys", None), ("POST", "/keys", {"name": "x", "scopes": ["notes:read"]}),
        ("POST", f"/keys/{key['id']}/rotate", {}), ("DELETE", f"/keys/{key['id']}", None),
        ("PATCH", "", {"active": False}), ("DELETE", "", None),
    ):  # fmt: skip
        assert other.request(method, f"{accounts}/{robot['id']}{path}", json=body).status_code == 404, path
    assert other.get(accounts).json()["items"] == []
    assert boss.patch(f"{accounts}/{robot['id']}", json={"active": False}).json()["active"] is False
    assert backend.client.get("/api/v1/notes", headers=key_headers(key["key"])).status_code == 401
    boss.patch(f"{accounts}/{robot['id']}", json={"active": True})
    assert backend.client.get("/auth/me", headers=key_headers(key["key"])).status_code == 200
    assert boss.delete(f"{accounts}/{robot['id']}").status_code == 204
    assert backend.client.get("/auth/me", headers=key_headers(key["key"])).status_code == 401


def test_two_administrators_cannot_take_the_role_from_each_other_at_once(backend: Backend) -> None:
    acme = backend.tenant("acme")
    one, two = acme.as_user("one", ["admin"]), acme.as_user("two", ["admin"])

    async def both() -> list[int]:
        answers = await asyncio.gather(
            *(by.async_client.delete(f"{USERS}/{other.id}/roles/admin") for by, other in ((one, two), (two, one)))
        )
        return [answer.status_code for answer in answers]

    assert sorted(asyncio.run(both()))[0] == 200
    members = backend.run(backend.app.rooms.tenancy.members, backend.run(backend.app.rooms.tenancy.require, "acme").id)
    assert [("admin" in each.roles) for each in members].count(True) == 1

"""How somebody gets into their account, and what opens it, as who administers them sees to it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from mainstay.base.errors import Conflict, Forbidden
from mainstay.base.ids import uuid7
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity.administration import Administrator
from mainstay.testing import Backend
from tests.databases import Urls
from tests.rooms.identity.rest.company import company, journal, key_headers

USERS = "/auth/users"
NEW = "a fine long passphrase"
OPERATOR = Administrator(None, DEFAULT_TENANT, frozenset(), frozenset())


@pytest.fixture
def backend(urls: Urls) -> Iterator[Backend]:
    with company(urls) as backend:
        yield backend


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def token_in(letter: Any) -> str:
    found = re.search(r"reset-password\?token=([\w-]+)", letter.text)
    assert found is not None, letter.text
    return found[1]


def choose(backend: Backend, token: str, password: str = NEW) -> int:
    status: int = backend.client.post("/auth/password/reset", json={"token": token, "password": password}).status_code
    return status


def sign_in(backend: Backend, login: str, password: str, tenant: str = "acme") -> Any:
    body = {"email": login, "password": password}
    return backend.client.post("/auth/sign-in", json=body, headers={"X-Tenant-ID": tenant})


def test_an_account_that_others_made_begins_with_an_invitation(backend: Backend) -> None:
    boss = backend.tenant("acme").as_user("boss", ["admin"])
    boss.patch("/auth/me", json={"display_name": "Grace"})
    made = boss.post(USERS, json={"email": "ada@example.com", "display_name": "Ada"}).json()
    letter = backend.mailbox.last("ada@example.com")
    assert "Your account" in letter.subject
    assert "Grace made an account" in letter.text
    assert "7 days" in letter.text
    assert "asked for a new password" not in letter.text
    # Days later it is good, once.
    backend.clock.advance(days=6, hours=23)
    assert choose(backend, token_in(letter)) == 204
    assert choose(backend, token_in(letter)) == 403
    assert sign_in(backend, "ada@example.com", NEW).status_code == 200
    assert "Welcome" in backend.mailbox.last("ada@example.com").subject
    later = backend.tenant("acme").as_user("later", ["admin"])
    assert later.get(f"{USERS}/{made['id']}").json()["email_verified"] is True


def test_an_invitation_ends_and_is_sent_anew(backend: Backend) -> None:
    boss = backend.tenant("acme").as_user("boss", ["admin"])
    made = boss.post(USERS, json={"email": "ada@example.com", "language": "de-CH"}).json()
    first = token_in(backend.mailbox.last("ada@example.com"))
    assert "Konto" in backend.mailbox.last("ada@example.com").subject
    assert boss.post(f"{USERS}/{made['id']}/invite").status_code == 204
    second = token_in(backend.mailbox.last("ada@example.com"))
    assert choose(backend, first) == 403
    backend.clock.advance(days=8)
    assert choose(backend, second) == 403
    boss = backend.tenant("acme").as_user("later", ["admin"])
    assert boss.post(f"{USERS}/{made['id']}/invite").status_code == 204
    assert choose(backend, token_in(backend.mailbox.last("ada@example.com"))) == 204
    assert code(boss.post(f"{USERS}/{made['id']}/invite")) == (409, "has_password")
    # Not beyond one's own reach, and not for ever.
    other = backend.tenant("zeta").as_user("zoe", ["admin"])
    assert other.post(f"{USERS}/{made['id']}/invite").status_code == 404
    eve = boss.post(USERS, json={"email": "eve@example.com"}).json()["id"]
    answers = [boss.post(f"{USERS}/{eve}/invite").status_code for _ in range(60)]
    assert answers[-1] == 429
    boss.post(f"{USERS}/{eve}/deactivate")


def test_an_operator_gives_a_password_where_no_letter_comes(backend: Backend) -> None:
    ada = backend.tenant("acme").as_user("ada")
    users = backend.app.rooms.identity.administration
    link = backend.run(users.reset_link, OPERATOR, ada.id)
    backend.run(users.give_password, OPERATOR, ada.id, NEW)
    # What was under way before is good for nothing, and whoever was in is out.
    assert choose(backend, link.rpartition("=")[2], "another long passphrase") == 403
    assert ada.get("/auth/me").status_code == 401
    assert sign_in(backend, "ada@example.com", "a password for tests").status_code == 401
    assert sign_in(backend, "ada@example.com", NEW).status_code == 200
    link = backend.run(users.reset_link, OPERATOR, ada.id)
    assert re.fullmatch(r"https?://[^/]+/auth/reset-password\?token=mlt_[\w-]{43}", link), link
    assert choose(backend, link.rpartition("=")[2], "another long passphrase") == 204
    assert sign_in(backend, "ada@example.com", "another long passphrase").status_code == 200
    boss = Administrator(uuid7(), uuid7(), frozenset({"admin"}), frozenset({"user:write", "system:write"}))
    for deed in ((users.give_password, boss, ada.id, NEW), (users.reset_link, boss, ada.id)):
        with pytest.raises(Forbidden):
            backend.run(*deed)
    backend.run(users.set_active, OPERATOR, ada.id, False)
    for shut in ((users.give_password, OPERATOR, ada.id, NEW), (users.reset_link, OPERATOR, ada.id)):
        with pytest.raises(Conflict):
            backend.run(*shut)


def test_sessions_are_seen_and_ended_by_administrators(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss, ada, mod = acme.as_user("boss", ["admin"]), acme.as_user("ada"), acme.as_user("mod", ["moderator"])
    zoe = backend.tenant("zeta").as_user("zoe", ["admin"])
    path = f"{USERS}/{ada.id}/sessions"
    mine = [each["id"] for each in ada.get("/auth/sessions").json()["items"]]
    token = sign_in(backend, "ada@example.com", "a password for tests").json()["access_token"]
    phone = key_headers(token, **{"X-Tenant-ID": "acme"})
    seen = boss.get(path).json()["items"]
    assert len(seen) == len(mine) + 1
    assert all(each["current"] is False for each in seen)
    # Where somebody is signed in is more than a moderator is to know, and nothing for other tenants.
    assert code(mod.get(path)) == (403, "insufficient_scope")
    for method in ("GET", "DELETE"):
        assert zoe.request(method, path).status_code == 404
    newest = next(each["id"] for each in seen if each["id"] not in mine)
    assert zoe.delete(f"{path}/{newest}").status_code == 404
    assert boss.delete(f"{USERS}/{mod.id}/sessions/{newest}").status_code == 404
    assert backend.client.get("/auth/me", headers=phone).status_code == 200
    assert boss.delete(f"{path}/{newest}").status_code == 204
    assert backend.client.get("/auth/me", headers=phone).status_code == 401
    assert boss.delete(f"{path}/{newest}").status_code == 404
    assert ada.get("/auth/me").status_code == 200
    assert boss.delete(path).json() == {"count": len(mine)}
    assert code(boss.delete(f"{USERS}/{boss.id}/sessions")) == (409, "own_account")
    assert ada.get("/auth/me").status_code == 401
    told = [(each["name"], each["user_id"]) for each in journal(backend, "acme") if each["actor_id"] == str(boss.id)]
    for name in ("user.sessions_read", "session.ended", "session.all_ended"):
        assert (name, str(ada.id)) in told


def test_sessions_of_who_holds_more_and_of_who_belongs_elsewhere_are_out_of_reach(backend: Backend) -> None:
    acme = backend.tenant("acme")
    backend.app.rooms.identity.catalogue.add_role("clerk", ["user:read", "user:write", "admin:read"])
    boss, clerk, ada = acme.as_user("boss", ["admin"]), acme.as_user("clerk", ["clerk"]), acme.as_user("ada")
    assert code(clerk.delete(f"{USERS}/{boss.id}/sessions")) == (403, "insufficient_role")
    session = boss.get("/auth/sessions").json()["items"][0]["id"]
    assert code(clerk.delete(f"{USERS}/{boss.id}/sessions/{session}")) == (403, "insufficient_role")
    key = boss.post("/auth/keys", json={"name": "x", "scopes": ["notes:read"]}).json()
    assert code(clerk.delete(f"{USERS}/{boss.id}/keys/{key['id']}")) == (403, "insufficient_role")
    backend.tenant("zeta").as_user("ada")
    # Of a session for another tenant nothing is told, and the account is not this administrator's alone.
    sign_in(backend, "ada@example.com", "a password for tests", "zeta")
    here, root = (
        boss.get(f"{USERS}/{ada.id}/sessions").json()["items"],
        backend.tenant("default").as_user("root", ["admin"]),
    )
    assert len(root.get(f"{USERS}/{ada.id}/sessions").json()["items"]) > len(here)
    assert code(boss.delete(f"{USERS}/{ada.id}/sessions")) == (403, "shared_account")
    assert root.delete(f"{USERS}/{ada.id}/sessions").json()["count"] > len(here)


def test_keys_are_seen_and_revoked_by_administrators_of_their_tenant(backend: Backend) -> None:
    acme, zeta = backend.tenant("acme"), backend.tenant("zeta")
    boss, zoe = acme.as_user("boss", ["admin"]), zeta.as_user("zoe", ["admin"])
    here, there = acme.as_user("ada"), zeta.as_user("ada")
    one = here.post("/auth/keys", json={"name": "here", "scopes": ["notes:read"]}).json()
    two = there.post("/auth/keys", json={"name": "there", "scopes": ["notes:read"]}).json()
    path = f"{USERS}/{here.id}/keys"
    assert [each["name"] for each in boss.get(path).json()["items"]] == ["here"]
    assert [each["name"] for each in zoe.get(path).json()["items"]] == ["there"]
    root = backend.tenant("default").as_user("root", ["admin"])
    assert {each["name"] for each in root.get(path).json()["items"]} == {"here", "there"}
    assert one["key"] not in boss.get(path).text
    assert boss.delete(f"{path}/{two['id']}").status_code == 404
    assert boss.delete(f"{USERS}/{boss.id}/keys/{one['id']}").status_code == 404
    assert backend.client.get("/api/v1/notes", headers=key_headers(two["key"])).status_code == 200
    # A key is for one tenant alone: its administrators revoke it, whatever others its owner belongs to.
    assert boss.delete(f"{path}/{one['id']}").status_code == 204
    assert backend.client.get("/api/v1/notes", headers=key_headers(one["key"])).status_code == 401
    assert boss.delete(f"{path}/{one['id']}").status_code == 404
    assert root.delete(f"{path}/{two['id']}").status_code == 204
    assert backend.client.get("/api/v1/notes", headers=key_headers(two["key"])).status_code == 401

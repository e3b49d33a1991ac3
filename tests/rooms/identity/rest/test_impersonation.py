"""Acting as somebody else: who may, for how long, and what stays out of reach."""

import io
import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from mainstay.base.context import acting as acting_as
from mainstay.telemetry.logs.formats import about_now
from mainstay.testing import Backend
from mainstay.testing.backend import PASSWORD
from mainstay.testing.person import Person
from mainstay.web.access_log import AccessLog
from tests.databases import Urls
from tests.rooms.identity.rest.company import company, key_headers

ACT = "/auth/impersonate"
WHY = "ticket 4711: a blank page"


@pytest.fixture
def backend(urls: Urls) -> Iterator[Backend]:
    with company(urls) as backend:
        yield backend


def act(by: Person, whom: Person) -> dict[str, str]:
    answer = by.post(ACT, json={"user_id": str(whom.id), "reason": WHY})
    assert answer.status_code == 201, answer.text
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope", "user_id"}
    return key_headers(answer.json()["access_token"])


def test_an_administrator_acts_as_a_member_and_is_marked(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada")
    ada.post("/api/v1/notes", json={"text": "mine"})
    acting = act(boss, ada)
    me = backend.client.get("/auth/me", headers=acting).json()
    assert (me["id"], me["impersonator_id"]) == (str(ada.id), str(boss.id))
    assert [each["text"] for each in backend.client.get("/api/v1/notes", headers=acting).json()["items"]] == ["mine"]
    assert backend.client.delete(ACT, headers=acting).status_code == 204
    assert backend.client.get("/auth/me", headers=acting).status_code == 401
    assert ada.get("/auth/me").json()["impersonator_id"] is None
    assert ada.delete(ACT).json()["code"] == "not_impersonating"


def test_it_stays_in_the_tenant_of_the_administrator(backend: Backend) -> None:
    boss = backend.tenant("acme").as_user("boss", ["admin"])
    ada, elsewhere = backend.tenant("acme").as_user("ada"), backend.tenant("zeta").as_user("ada", ["admin"])
    elsewhere.post("/api/v1/notes", json={"text": "a secret of zeta's"})
    acting = act(boss, ada)
    for name in ("zeta", "default", "nowhere"):
        answer = backend.client.get("/api/v1/notes", headers=acting | {"X-Tenant-ID": name})
        assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such tenant."), name
    assert backend.client.get("/api/v1/notes", headers=acting).json()["items"] == []
    zoe = backend.tenant("zeta").as_user("zoe")
    assert boss.post(ACT, json={"user_id": str(zoe.id), "reason": WHY}).status_code == 404


def test_nobody_acts_as_somebody_above_them(backend: Backend) -> None:
    acme = backend.tenant("acme")
    backend.app.rooms.identity.catalogue.add_role("desk", ["admin:impersonate", "user:read"])
    backend.app.rooms.identity.catalogue.add_role("export", ["admin:read"])
    boss, second = acme.as_user("boss", ["admin"]), acme.as_user("second", ["admin"])
    desk, exporter, ada = acme.as_user("desk", ["desk"]), acme.as_user("exporter", ["export"]), acme.as_user("ada")
    for by, whom, status in (
        (boss, second, 403), (boss, desk, 403), (desk, boss, 403), (desk, exporter, 403), (boss, boss, 409),
        (ada, desk, 403), (boss, exporter, 201), (desk, ada, 201),
    ):  # fmt: skip
        answer = by.post(ACT, json={"user_id": str(whom.id), "reason": WHY})
        assert answer.status_code == status, (by, whom, answer.text)
    for reason in ("", "     ", "why", "x" * 501):
        assert boss.post(ACT, json={"user_id": str(ada.id), "reason": reason}).status_code == 422
    assert boss.post(ACT, json={"user_id": str(ada.id)}).status_code == 422


def test_what_proves_who_somebody_is_stays_in_their_hands(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada")
    acting = act(boss, ada)
    password = "a password for tests"
    for method, path, body in (
        ("POST", "/auth/keys", {"name": "x", "scopes": ["notes:read"]}),
        ("PATCH", "/auth/me/profile", {}), ("PATCH", "/auth/me/preferences", {}), ("PUT", "/auth/me/avatar", None),
        ("PATCH", "/auth/me", {"display_name": "x"}), ("POST", "/auth/me/delete", {"password": password}),
        ("POST", "/auth/password", {"current_password": password, "new_password": "another long passphrase"}),
        ("POST", "/auth/email", {"email": "boss@example.org", "password": password}),
        ("POST", ACT, {"user_id": str(boss.id), "reason": WHY}),
    ):  # fmt: skip
        answer = backend.client.request(method, path, headers=acting, json=body)
        assert answer.status_code == 403, (method, path, answer.text)
    scopes = {each["name"] for each in backend.client.get("/auth/me/scopes", headers=acting).json()["items"]}
    assert not {"api_keys:write", "admin:impersonate"} & scopes


def test_it_is_short_and_not_prolonged(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada")
    acting = act(boss, ada)
    backend.clock.advance(minutes=11)
    assert backend.client.get("/auth/me", headers=acting).status_code == 401


def test_it_ends_with_what_let_the_administrator_do_it(backend: Backend) -> None:
    acme = backend.tenant("acme")
    chief = acme.as_user("chief", ["admin"])
    ada = acme.as_user("ada")
    for name, method, path, body in (
        ("one", "POST", "/deactivate", None), ("two", "DELETE", "/roles/admin", None), ("three", "DELETE", "", None),
        ("four", "PUT", "/roles", {"roles": ["user"]}),
    ):  # fmt: skip
        boss = acme.as_user(name, ["admin"])
        acting = act(boss, ada)
        assert backend.client.get("/auth/me", headers=acting).status_code == 200
        answer = chief.request(method, f"/auth/users/{boss.id}{path}", json=body)
        assert answer.status_code in (200, 204), answer.text
        assert backend.client.get("/auth/me", headers=acting).status_code == 401, name


def test_a_key_does_not_act_as_anybody(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada")
    key = boss.post("/auth/keys", json={"name": "x", "scopes": ["admin:impersonate"]}).json()["key"]
    answer = backend.client.post(ACT, headers=key_headers(key), json={"user_id": str(ada.id), "reason": WHY})
    assert (answer.status_code, answer.json()["code"]) == (403, "session_required")


def test_the_user_is_refused_and_so_is_whoever_acts_as_them(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada")
    acting = act(boss, ada)
    boss.post(f"/auth/users/{ada.id}/deactivate")
    assert backend.client.get("/auth/me", headers=acting).status_code == 401
    assert boss.post(ACT, json={"user_id": str(ada.id), "reason": WHY}).status_code == 404


def test_log_lines_say_who_acts(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada")
    acting = act(boss, ada)
    token = acting["Authorization"].removeprefix("Bearer ").encode()
    verified = backend.run(backend.app.rooms.identity.verify, token)
    assert verified.impersonator_id == boss.id
    caller = backend.run(backend.app.rooms.identify.identify, [(b"authorization", b"Bearer " + token)], "r")
    line, text = io.StringIO(), io.StringIO()
    for log in (AccessLog("json", line), AccessLog("plain", text)):
        log.finished({"method": "GET", "path": "/x", "mainstay.caller": caller}, 200, 0.001)
        log.flush()
    found = json.loads(line.getvalue())
    assert (found["user"], found["impersonator"]) == (str(ada.id), str(boss.id))
    assert f"user={ada.id} impersonator={boss.id}" in text.getvalue()
    with acting_as(caller):
        assert about_now()["impersonator"] == str(boss.id)


@pytest.mark.parametrize("deed", ["everywhere", "password", "reset", "deletion", "erasure"])
def test_it_ends_with_all_that_ends_the_sessions_of_the_administrator(backend: Backend, deed: str) -> None:
    acme = backend.tenant("acme")
    boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada")
    acme.as_user("chief", ["admin"])
    assert boss.id is not None
    assert boss.email is not None
    acting = act(boss, ada)
    accounts = backend.app.rooms.identity.accounts
    if deed == "everywhere":
        assert boss.post("/auth/logout-all").json() == {"count": 1}
    elif deed == "password":
        boss_session = UUID(boss.get("/auth/me").json()["session_id"])
        told = (boss.id, boss_session, PASSWORD, "another long passphrase", None)
        backend.run(accounts.change_password, *told)
    elif deed == "reset":
        backend.run(accounts.ask_for_reset, boss.email)
        letter = backend.mailbox.last(boss.email)
        backend.run(accounts.reset_password, parse_qs(urlsplit(letter.link).query)["token"][0], "another passphrase")
    elif deed == "deletion":
        backend.run(accounts.schedule_deletion, boss.id)
    else:
        backend.run(backend.app.rooms.erase_person.now, boss.id)
    assert backend.client.get("/auth/me", headers=acting).status_code == 401
    assert ada.get("/auth/me").status_code == 200


def test_the_sessions_of_the_person_are_not_for_whoever_acts_as_them(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada")
    theirs = ada.get("/auth/me").json()["session_id"]
    acting = act(boss, ada)
    ways = ("GET", "/auth/sessions"), ("DELETE", f"/auth/sessions/{theirs}"), ("POST", "/auth/logout-all")
    for method, path in ways:
        answer = backend.client.request(method, path, headers=acting)
        assert (answer.status_code, answer.json()["code"]) == (403, "impersonating"), (method, path)
    assert ada.get("/auth/sessions").status_code == 200
    # Their own way back stays open to them.
    assert backend.client.post("/auth/sign-out", headers=acting).status_code == 204
    assert backend.client.get("/auth/me", headers=acting).status_code == 401
    assert ada.get("/auth/me").status_code == 200


def test_a_person_who_becomes_an_administrator_is_acted_as_no_longer(backend: Backend) -> None:
    acme = backend.tenant("acme")
    backend.app.rooms.identity.catalogue.add_role("desk", ["admin:impersonate", "user:read"])
    boss, desk, ada = acme.as_user("boss", ["admin"]), acme.as_user("desk", ["desk"]), acme.as_user("ada")
    acting = act(desk, ada)
    assert boss.put(f"/auth/users/{ada.id}/roles/admin").status_code == 200
    assert backend.client.get("/auth/me", headers=acting).status_code == 401
    assert ada.get("/auth/me").json()["roles"] == ["admin", "user"]

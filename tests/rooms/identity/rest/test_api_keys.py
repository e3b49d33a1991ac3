"""API keys over REST: what they open, what they never open, and how fast they stop."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mainstay.identity.api_keys.secret import PATTERN, new_secret, well_formed
from mainstay.testing import Backend
from mainstay.testing.person import Person
from tests.databases import Urls
from tests.rooms.identity.rest.company import company, key_headers

KEYS = "/auth/keys"


@pytest.fixture
def backend(urls: Urls) -> Iterator[Backend]:
    with company(urls) as backend:
        yield backend


def make(person: Person, *scopes: str, **more: Any) -> dict[str, Any]:
    made = person.post(KEYS, json={"name": "a program", "scopes": list(scopes), **more})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def test_a_key_reads_what_its_scopes_say_and_is_shown_once(backend: Backend) -> None:
    ada = backend.tenant("acme").as_user("ada")
    assert ada.post("/api/v1/notes", json={"text": "call Zoe"}).status_code == 201
    made = make(ada, "notes:read", "api_keys:read")
    assert re.fullmatch(PATTERN, made["key"])
    assert made["key"].startswith(made["hint"])
    (listed,) = ada.get(KEYS).json()["items"]
    assert "key" not in listed
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert "key" not in ada.get(f"{KEYS}/{made['id']}").json()

    # The tenant is the key's own: it need not be named.
    for headers in (key_headers(made["key"]), key_headers(made["key"], **{"X-Tenant-ID": "acme"})):
        found = backend.client.get("/api/v1/notes", headers=headers)
        assert [note["text"] for note in found.json()["items"]] == ["call Zoe"]
    refused = backend.client.post("/api/v1/notes", headers=key_headers(made["key"]), json={"text": "no"})
    assert (refused.status_code, refused.json()["missing_scopes"]) == (403, ["notes:write"])
    assert 'error="insufficient_scope", scope="notes:write"' in refused.headers["www-authenticate"]


def test_a_key_opens_its_own_tenant_and_no_other(backend: Backend) -> None:
    acme, zeta = backend.tenant("acme").as_user("ada"), backend.tenant("zeta").as_user("ada")
    assert zeta.post("/api/v1/notes", json={"text": "of zeta"}).status_code == 201
    key = make(acme, "notes:read", "api_keys:read", "api_keys:write")
    for named in ("zeta", "nowhere"):
        headers = key_headers(key["key"], **{"X-Tenant-ID": named})
        answer = backend.client.get("/api/v1/notes", headers=headers)
        assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such tenant.")
    assert backend.client.get("/api/v1/notes", headers=key_headers(key["key"])).json()["items"] == []
    # Nor is it seen, rotated or revoked from there, by the very same person.
    assert zeta.get(KEYS).json()["items"] == []
    assert zeta.get(f"{KEYS}/{key['id']}").status_code == 404
    assert zeta.post(f"{KEYS}/{key['id']}/rotate", json={}).status_code == 404
    assert zeta.delete(f"{KEYS}/{key['id']}").status_code == 404


def test_nobody_reaches_another_users_keys(backend: Backend) -> None:
    tenant = backend.tenant("acme")
    ada, eve = tenant.as_user("ada"), tenant.as_user("eve", ["admin"])
    key = make(ada, "notes:read")
    # CVE-2025-61928: the owner comes from the session, whatever the body says.
    for name in ("user_id", "owner", "userId", "tenant_id"):
        answer = eve.post(KEYS, json={"name": "x", "scopes": ["notes:read"], name: str(ada.id)})
        assert answer.status_code == 422
    assert eve.get(f"{KEYS}/{key['id']}").status_code == 404
    assert eve.post(f"{KEYS}/{key['id']}/rotate", json={}).status_code == 404
    assert eve.delete(f"{KEYS}/{key['id']}").status_code == 404
    assert eve.get(KEYS).json()["items"] == []
    assert (
        eve.post(f"/auth/service-accounts/{ada.id}/keys", json={"name": "x", "scopes": ["notes:read"]}).status_code
        == 404
    )


def test_a_key_holds_no_more_than_its_maker_and_no_longer(backend: Backend) -> None:
    ada = backend.tenant("acme").as_user("ada")
    refused = ada.post(KEYS, json={"name": "x", "scopes": ["notes:read", "admin:write"]})
    assert (refused.status_code, refused.json()["missing_scopes"]) == (403, ["admin:write"])
    assert ada.post(KEYS, json={"name": "x", "scopes": ["nothing:there"]}).status_code == 403
    assert ada.post(KEYS, json={"name": "x", "scopes": []}).status_code == 422
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    maker = make(ada, "notes:read", "api_keys:write", expires_at=soon)
    child = backend.client.post(
        KEYS, headers=key_headers(maker["key"]), json={"name": "child", "scopes": ["notes:read", "api_keys:write"]}
    )
    assert child.status_code == 201
    # The child of a key that ends in an hour ends with it.
    assert child.json()["expires_at"] == maker["expires_at"]
    wider = backend.client.post(
        KEYS, headers=key_headers(maker["key"]), json={"name": "wider", "scopes": ["notes:write"]}
    )
    assert (wider.status_code, wider.json()["missing_scopes"]) == (403, ["notes:write"])
    # Nor does it take over a wider one by rotating it.
    wide = make(ada, "notes:write")
    taken = backend.client.post(f"{KEYS}/{wide['id']}/rotate", headers=key_headers(maker["key"]), json={})
    assert taken.status_code == 403


def test_a_key_is_refused_where_a_session_is_needed(backend: Backend) -> None:
    ada = backend.tenant("acme").as_user("ada", ["admin"])
    scopes = [each["name"] for each in ada.get("/auth/me/scopes").json()["items"]]
    everything = key_headers(make(ada, *scopes)["key"])
    for method, path, body in (
        ("GET", "/auth/sessions", None),
        ("POST", "/auth/logout-all", None),
        ("POST", "/auth/sign-out", None),
        ("POST", "/auth/impersonate", {"user_id": str(ada.id), "reason": "because I can"}),
    ):
        answer = backend.client.request(method, path, headers=everything, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "session_required"), path
    # It is no refresh token either.
    key = everything["Authorization"].removeprefix("Bearer ")
    assert backend.client.post("/auth/refresh", json={"refresh_token": key}).status_code == 401
    plain = key_headers(make(ada, "notes:read")["key"])
    for method, path in (("GET", KEYS), ("POST", KEYS), ("GET", "/auth/users"), ("GET", "/auth/service-accounts")):
        sent: Any = {"name": "x", "scopes": ["notes:read"]} if method == "POST" else None
        answer = backend.client.request(method, path, headers=plain, json=sent)
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope"), path


def test_a_key_loses_what_its_owner_loses(backend: Backend) -> None:
    tenant = backend.tenant("acme")
    ada, boss = tenant.as_user("ada", ["admin"]), tenant.as_user("boss", ["admin"])
    key = key_headers(make(ada, "user:read", "notes:read")["key"])
    assert backend.client.get("/auth/users", headers=key).status_code == 200
    assert boss.put(f"/auth/users/{ada.id}/roles", json={"roles": ["user"]}).status_code == 200
    assert backend.client.get("/auth/users", headers=key).status_code == 403
    assert backend.client.get("/api/v1/notes", headers=key).status_code == 200
    assert boss.delete(f"/auth/users/{ada.id}").status_code == 204
    assert backend.client.get("/api/v1/notes", headers=key).status_code in (403, 404)


def test_an_expired_rotated_or_revoked_key_opens_nothing(backend: Backend) -> None:
    ada = backend.tenant("acme").as_user("ada")
    soon = (backend.clock.now() + timedelta(minutes=2)).isoformat()
    short = make(ada, "notes:read", expires_at=soon)
    past = ada.post(KEYS, json={"name": "x", "scopes": ["notes:read"], "expires_at": "2020-01-01T00:00:00Z"})
    assert (past.status_code, past.json()["code"]) == (409, "expires_at_past")
    naive = ada.post(KEYS, json={"name": "x", "scopes": ["notes:read"], "expires_at": "2099-01-01T00:00:00"})
    assert naive.status_code == 422
    long = make(ada, "notes:read")

    def opens(key: dict[str, Any]) -> int:
        return backend.client.get("/api/v1/notes", headers=key_headers(key["key"])).status_code

    assert (opens(short), opens(long)) == (200, 200)
    rotated = ada.post(f"{KEYS}/{long['id']}/rotate", json={"overlap": 60}).json()
    assert rotated["id"] == long["id"]
    assert (opens(long), opens(rotated)) == (200, 200)
    # A second rotation leaves the newest two, and a third without overlap the newest alone.
    newest = ada.post(f"{KEYS}/{long['id']}/rotate", json={"overlap": 60}).json()
    assert (opens(long), opens(rotated), opens(newest)) == (401, 200, 200)
    backend.clock.advance(seconds=61)
    assert (opens(rotated), opens(newest), opens(short)) == (401, 200, 200)
    backend.clock.advance(seconds=60)
    assert opens(short) == 401
    last = ada.post(f"{KEYS}/{long['id']}/rotate", json={"overlap": 0}).json()
    assert (opens(newest), opens(last)) == (401, 200)
    assert ada.post(f"{KEYS}/{long['id']}/rotate", json={"overlap": 10**9}).status_code == 409
    assert ada.post(f"{KEYS}/{long['id']}/rotate", json={"overlap": 0.5}).status_code == 422
    assert ada.delete(f"{KEYS}/{long['id']}").status_code == 204
    assert opens(last) == 401
    assert ada.delete(f"{KEYS}/{long['id']}").status_code == 404
    assert ada.post(f"{KEYS}/{long['id']}/rotate", json={}).status_code == 404
    refused = backend.client.get("/api/v1/notes", headers=key_headers(last["key"]))
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


def test_the_last_use_is_told(backend: Backend) -> None:
    ada = backend.tenant("acme").as_user("ada")
    key = make(ada, "notes:read")
    assert key["last_used_at"] is None
    backend.client.get("/api/v1/notes", headers=key_headers(key["key"]))
    backend.run(backend.app.rooms.identity.api_keys.last_use.flush)
    first = ada.get(f"{KEYS}/{key['id']}").json()["last_used_at"]
    assert first is not None
    backend.clock.advance(minutes=11)
    backend.client.get("/api/v1/notes", headers=key_headers(key["key"]))
    backend.run(backend.app.rooms.identity.api_keys.last_use.flush)
    signed = tenant_headers(backend, "ada")
    assert backend.client.get(f"{KEYS}/{key['id']}", headers=signed).json()["last_used_at"] > first


def tenant_headers(backend: Backend, name: str) -> dict[str, str]:
    """A fresh sign-in: time has passed."""
    answer = backend.client.post(
        "/auth/sign-in",
        json={"email": f"{name}@example.com", "password": "a password for tests"},
        headers={"X-Tenant-ID": "acme"},
    )
    return {"Authorization": f"Bearer {answer.json()['access_token']}", "X-Tenant-ID": "acme"}


def test_spellings_that_are_not_the_key_open_nothing(backend: Backend) -> None:
    ada = backend.tenant("acme").as_user("ada")
    key = make(ada, "notes:read")["key"]
    other = new_secret()
    wrong = [
        key[:-1], key + "0", key.upper(), key.swapcase(), key[:-1] + ("0" if key[-1] != "0" else "1"), other,
        key.replace("msk_", "MSK_"), key.replace("msk_", "mrt_"), f" {key[1:]}", "msk_", "msk_" + "0" * 49,
    ]  # fmt: skip
    for text in wrong:
        answer = backend.client.get("/api/v1/notes", headers=key_headers(text))
        assert answer.status_code == 401, text
    for headers in ({"Authorization": f"Basic {key}"}, {"X-API-Key": key}, {"Authorization": key}):
        assert backend.client.get("/auth/me", headers=headers).status_code == 401
    assert backend.client.get(f"/auth/me?access_token={key}&api_key={key}").status_code == 401


def test_an_owner_has_so_many_keys(urls: Urls) -> None:
    with company(urls) as backend:
        ada = backend.tenant("acme").as_user("ada")
        for _ in range(50):
            make(ada, "notes:read")
        refused = ada.post(KEYS, json={"name": "one more", "scopes": ["notes:read"]})
        assert (refused.status_code, refused.json()["code"]) == (409, "too_many_keys")
        first = ada.get(KEYS).json()["items"][0]
        ada.delete(f"{KEYS}/{first['id']}")
        make(ada, "notes:read")


def test_the_checksum_catches_what_was_mistyped() -> None:
    for _ in range(50):
        secret = new_secret()
        assert well_formed(secret.encode())
        place = 10
        swapped = secret[:place] + secret[place + 1] + secret[place] + secret[place + 2 :]
        assert swapped == secret or not well_formed(swapped.encode())
    assert len({new_secret() for _ in range(1000)}) == 1000

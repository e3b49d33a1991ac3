"""How far a proof reaches: keys, narrowed tokens, and moments that no calendar holds."""

import base64
import json
from collections.abc import Iterator
from uuid import uuid4

import pytest

from mainstay.testing import Backend
from tests.databases import Urls
from tests.rooms.identity.rest.company import company, key_headers


@pytest.fixture
def backend(urls: Urls) -> Iterator[Backend]:
    with company(urls) as backend:
        yield backend


def test_a_key_and_a_narrowed_token_are_not_told_what_is_held_everywhere(backend: Backend) -> None:
    ada = backend.tenant("acme").as_user("ada")
    backend.tenant("zeta").as_user("ada")
    scopes = [each["name"] for each in ada.get("/auth/me/scopes").json()["items"]]
    for held in (["profile:read"], scopes):
        key = ada.post("/auth/keys", json={"name": "x", "scopes": held}).json()["key"]
        answer = backend.client.get("/auth/me/export", headers=key_headers(key))
        assert (answer.status_code, answer.json()["code"]) == (403, "narrowed")
    form = {"email": ada.email, "password": "a password for tests", "scope": "profile:read"}
    token = backend.client.post("/auth/sign-in", json=form).json()["access_token"]
    narrowed = key_headers(token, **{"X-Tenant-ID": "acme"})
    assert backend.client.get("/auth/me/export", headers=narrowed).json()["code"] == "narrowed"
    assert [each["tenant"] for each in ada.get("/auth/me/export").json()["memberships"]] == ["acme", "zeta"]


def test_a_key_without_profile_read_is_not_told_who_its_user_is(backend: Backend) -> None:
    ada = backend.tenant("acme").as_user("ada")
    ada.patch("/auth/me", json={"display_name": "Ada", "username": "countess"})
    key = ada.post("/auth/keys", json={"name": "x", "scopes": ["notes:read"]}).json()["key"]
    form = {"email": ada.email, "password": "a password for tests", "scope": "notes:read"}
    token = backend.client.post("/auth/sign-in", json=form, headers={"X-Tenant-ID": "acme"}).json()["access_token"]
    known = {"id", "roles", "scopes", "session_id", "api_key_id", "impersonator_id"}
    for proof in (key, token):
        answer = backend.client.get("/auth/me", headers=key_headers(proof, **{"X-Tenant-ID": "acme"}))
        told = {name for name, value in answer.json().items() if value is not None}
        assert told <= known, answer.text
        assert answer.json()["id"] == str(ada.id)
        assert answer.json()["scopes"] == ["notes:read"]
    reading = ada.post("/auth/keys", json={"name": "y", "scopes": ["profile:read"]}).json()["key"]
    assert backend.client.get("/auth/me", headers=key_headers(reading)).json()["display_name"] == "Ada"


def test_what_differs_for_each_caller_is_kept_by_no_cache(backend: Backend) -> None:
    assert backend.tenant("acme").as_user("ada").get("/api/v1").headers["cache-control"] == "no-store"


def test_moments_that_utc_has_no_date_for_are_refused(backend: Backend) -> None:
    boss = backend.tenant("acme").as_user("boss", ["admin"])
    first, last = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"
    for moment in (first, last):
        for name in ("since", "until"):
            assert boss.get("/audit", params={name: moment}).status_code == 422
        told = {"name": "x", "scopes": ["profile:read"], "expires_at": moment}
        assert boss.post("/auth/keys", json=told).status_code == 409
        inner = json.dumps(["-created_at", moment, str(uuid4())]).encode()
        after = base64.urlsafe_b64encode(inner).decode().rstrip("=")
        assert boss.get("/auth/users", params={"after": after}).status_code == 400


def test_an_administrator_who_is_about_to_be_erased_is_no_other_administrator(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss, leaving = acme.as_user("boss", ["admin"]), acme.as_user("leaving", ["admin"])
    backend.run(backend.app.rooms.identity.accounts.schedule_deletion, leaving.id)
    answer = boss.delete(f"/auth/users/{boss.id}/roles/admin")
    assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")

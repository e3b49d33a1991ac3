"""A tenant that requires a second factor of its members: who may say so, what it does, and for whom at once."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from mainstay.base.context import current_caller
from mainstay.base.errors import Conflict
from mainstay.identity.factors import demand_factor
from mainstay.identity.sessions.start_session import strengthen_session
from mainstay.testing import Backend, Person
from mainstay.testing.backend import PASSWORD
from tests.databases import Urls
from tests.rooms.identity.rest.company import company, key_headers
from tests.rooms.identity.rest.test_impersonation import act

POLICY, NOTES = "/auth/policy", "/api/v1/notes"
REFUSED = (403, "second_factor_enrolment_required")


@pytest.fixture
def backend(urls: Urls) -> Iterator[Backend]:
    with company(urls) as backend:
        yield backend


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def show_factor(backend: Backend, person: Person) -> None:
    """As after a step-up with a second factor."""

    async def session() -> UUID:
        caller = current_caller()
        assert caller is not None
        assert caller.actor.session_id is not None
        return caller.actor.session_id

    backend.run(strengthen_session, backend.app.rooms.identity._room, person.run(session), ("otp", "mfa"))


def add_factor(backend: Backend, person: Person) -> None:
    """An authenticator app, as a telephone would."""
    pyotp = pytest.importorskip("pyotp")
    secret = person.post("/auth/factors/totp").json()["secret"]
    code = pyotp.TOTP(secret).at(int(backend.clock.now().timestamp()))
    assert person.post("/auth/factors/totp/confirm", json={"code": code}).status_code == 200


def demand(backend: Backend, tenant: str, demanded: bool = True) -> bool:
    rooms = backend.app.rooms
    found: bool = backend.run(rooms.identity.factors.demand, backend.run(rooms.tenancy.require, tenant).id, demanded)
    return found


def test_an_administrator_requires_it_once_they_have_one_themselves(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada")
    wanted = {"json": {"second_factor_required": True}}
    assert boss.get(POLICY).json() == {"second_factor_required": False}
    for person in (ada, acme.as_user("mod", ["moderator"])):
        assert told(person.put(POLICY, **wanted)) == (403, "insufficient_scope")
    assert told(ada.get(POLICY)) == (403, "insufficient_scope")
    assert acme.anonymous.put(POLICY, **wanted).status_code == 401
    # Whoever has none would be the first to be shut out.
    assert told(boss.put(POLICY, **wanted)) == (409, "no_factor")
    assert boss.put(POLICY, json={"second_factor_required": "yes"}).status_code == 422
    add_factor(backend, boss)
    assert boss.put(POLICY, **wanted).json() == {"second_factor_required": True}
    assert boss.get(POLICY).json() == {"second_factor_required": True}
    assert told(ada.get(NOTES)) == REFUSED
    # Whoever came in without cannot loosen it.
    second = acme.as_user("second", ["admin"])
    assert told(second.put(POLICY, json={"second_factor_required": False})) == REFUSED
    assert boss.put(POLICY, json={"second_factor_required": False}).json() == {"second_factor_required": False}
    assert ada.get(NOTES).status_code == 200


def test_who_wants_to_change_it_has_to_prove_it_lately_and_in_person(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss = acme.as_user("boss", ["admin"])
    key = boss.post("/auth/keys", json={"name": "robot", "scopes": ["admin:read", "admin:write"]}).json()["key"]
    robot = key_headers(key, **{"X-Tenant-ID": "acme"})
    assert backend.client.get(POLICY, headers=robot).json() == {"second_factor_required": False}
    refused = backend.client.put(POLICY, json={"second_factor_required": False}, headers=robot)
    assert told(refused) == (403, "session_required")
    # The proof is of a sign-in, however often the token was renewed since.
    at_acme = {"X-Tenant-ID": "acme"}
    credentials = {"email": "boss@example.com", "password": PASSWORD}
    tokens = backend.client.post("/auth/sign-in", json=credentials, headers=at_acme).json()
    backend.clock.advance(seconds=590)
    renewed = backend.client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]}, headers=at_acme)
    backend.clock.advance(seconds=15)
    headers = key_headers(renewed.json()["access_token"], **at_acme)
    assert backend.client.get(POLICY, headers=headers).status_code == 200
    late = backend.client.put(POLICY, json={"second_factor_required": False}, headers=headers)
    assert told(late) == (401, "insufficient_user_authentication")


def test_it_holds_for_sessions_that_are_there_and_in_no_other_tenant(backend: Backend) -> None:
    acme, zeta = backend.tenant("acme"), backend.tenant("zeta")
    ada, there = acme.as_user("ada"), zeta.as_user("ada")
    eve = acme.as_user("eve")
    entering = {"X-Tenant-ID": "acme", "Authorization": there.headers["Authorization"]}
    for _ in range(3):
        assert ada.get(NOTES).status_code == 200
        assert backend.client.get(NOTES, headers=entering).status_code == 200
    assert demand(backend, "acme") is True
    assert demand(backend, "acme") is False
    for refused in (ada.get(NOTES), ada.post(NOTES, json={"text": "x"}), backend.client.get(NOTES, headers=entering)):
        assert told(refused) == REFUSED
    # Their own account stays in their hands, and they hold no role here.
    assert ada.get("/auth/me").json()["roles"] == []
    assert backend.client.get("/auth/me", headers=entering).json()["roles"] == []
    for _ in range(3):
        assert there.get(NOTES).status_code == 200
    show_factor(backend, ada)
    assert ada.get(NOTES).status_code == 200
    # Another session of theirs has shown nothing.
    assert told(backend.client.get(NOTES, headers=entering)) == REFUSED
    assert told(eve.get(NOTES)) == REFUSED
    assert demand(backend, "acme", False) is True
    assert eve.get(NOTES).status_code == 200
    assert backend.client.get(NOTES, headers=entering).status_code == 200


def test_a_new_sign_in_and_a_refresh_are_let_in_no_further(backend: Backend) -> None:
    acme = backend.tenant("acme")
    acme.as_user("ada")
    demand(backend, "acme")
    credentials = {"email": "ada@example.com", "password": PASSWORD}
    at_acme = {"X-Tenant-ID": "acme"}
    tokens = backend.client.post("/auth/sign-in", json=credentials, headers=at_acme).json()
    renewed = backend.client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]}, headers=at_acme)
    for answer in (tokens, renewed.json()):
        assert told(backend.client.get(NOTES, headers=key_headers(answer["access_token"], **at_acme))) == REFUSED
    browser = backend.client.post("/auth/sign-in", json=credentials | {"mode": "cookie"}, headers=at_acme)
    cookies = {"Cookie": browser.headers["set-cookie"].split(";")[0], **at_acme}
    assert told(backend.client.get(NOTES, headers=cookies)) == REFUSED
    backend.client.cookies.clear()


def test_keys_and_whoever_acts_as_a_member_are_not_asked(backend: Backend) -> None:
    acme = backend.tenant("acme")
    boss, ada = acme.as_user("boss", ["admin"]), acme.as_user("ada")
    key = ada.post("/auth/keys", json={"name": "robot", "scopes": ["notes:read"]}).json()["key"]
    demand(backend, "acme")
    assert backend.client.get(NOTES, headers=key_headers(key)).status_code == 200
    assert told(boss.post("/auth/impersonate", json={"user_id": str(ada.id), "reason": "a ticket"})) == REFUSED
    show_factor(backend, boss)
    assert backend.client.get(NOTES, headers=act(boss, ada)).status_code == 200


def test_it_reaches_other_processes_within_their_poll(urls: Urls) -> None:
    with company(urls) as here, company(urls) as there:
        ada = here.tenant("acme").as_user("ada")
        headers = dict(ada.headers)
        for _ in range(3):
            assert there.client.get(NOTES, headers=headers).status_code == 200
        demand(here, "acme")
        there.run(there.app.rooms.identity.revocations.poll)
        assert told(there.client.get(NOTES, headers=headers)) == REFUSED


def test_members_are_looked_at_again_one_by_one_and_beyond_a_number_all_at_once(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, zoe = backend.tenant("acme").as_user("ada"), backend.tenant("zeta").as_user("zoe")
    backend.tenant("acme").as_user("eve")
    remembered = backend.app.rooms.identity._room.remembered._by_user
    for person in (ada, zoe):
        assert person.get(NOTES).status_code == 200
    demand(backend, "acme")
    assert ada.id not in remembered
    assert zoe.id in remembered
    monkeypatch.setattr(demand_factor, "ONE_BY_ONE", 1)
    demand(backend, "acme", False)
    assert not remembered


def test_an_app_without_second_factors_cannot_require_one(backend: Backend) -> None:
    backend.tenant("acme")
    rooms = backend.app.rooms
    tenant = backend.run(rooms.tenancy.require, "acme").id
    flow = demand_factor.demand_factor(rooms.identity.factors._desk, tenant, True, offered=False, by=None)

    async def refused() -> str:
        with pytest.raises(Conflict) as error:
            await flow
        return error.value.problem_code

    assert backend.run(refused) == "no_factor_offered"

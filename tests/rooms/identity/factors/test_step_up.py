"""Over HTTP: the two steps, tickets that stay in their browser, and proofs that have to be of lately."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pyotp
import pytest
from fastapi import Depends

from mainstay import CurrentUser, current_user, require_recent, require_second_factor
from tests.databases import Urls
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.library import ADA, BOB, PASSWORD, Running, library


class Visitor:
    """Ada's programs, and the app on her telephone."""

    def __init__(self, running: Running) -> None:
        self.running, self.client, self.secret = running, running.client, ""
        self.headers: dict[str, str] = {}

    async def sign_in(self, **more: Any) -> httpx.Response:
        answer = await self.client.post("/auth/sign-in", json={"email": ADA, "password": PASSWORD, **more})
        if "access_token" in answer.json():
            self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        return answer

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.client.post(path, json=body, headers=self.headers)

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path, headers=self.headers)

    def code(self) -> str:
        self.running.clock.advance(30)
        return pyotp.TOTP(self.secret).at(int(self.running.clock.now().timestamp()))

    async def add_app(self) -> list[str]:
        self.secret = (await self.post("/auth/factors/totp")).json()["secret"]
        codes: list[str] = (await self.post("/auth/factors/totp/confirm", code=self.code())).json()["recovery_codes"]
        return codes


@pytest.fixture
async def ada(urls: Urls, clock: WoundClock) -> AsyncIterator[Visitor]:
    """In an app with routes that want a proof of lately."""
    async with library(urls, clock, access_token_seconds=7200) as running:
        await running.app.rooms.identity.create_user(ADA, PASSWORD)

        @running.app.get("/lately")
        async def lately(user: Annotated[CurrentUser, Depends(require_recent(60))]) -> str:
            return str(user.id)

        @running.app.get("/payout")
        async def payout(user: Annotated[CurrentUser, Depends(require_second_factor(max_age=300))]) -> str:
            return str(user.id)

        visitor = Visitor(running)
        await visitor.sign_in()
        yield visitor


async def test_a_route_that_wants_a_recent_proof_says_so_and_step_up_gives_it(ada: Visitor) -> None:
    assert (await ada.get("/lately")).status_code == 200
    ada.running.clock.advance(61)
    refused = await ada.get("/lately")
    assert (refused.status_code, refused.json()["code"]) == (401, "insufficient_user_authentication")
    challenge = refused.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="mainstay", error="insufficient_user_authentication"')
    assert 'max_age="60"' in challenge
    assert (await ada.post("/auth/step-up", password="not this one here")).status_code == 403
    proved = await ada.post("/auth/step-up", password=PASSWORD)
    assert proved.json()["methods"] == ["pwd"]
    assert (await ada.get("/lately")).status_code == 200


async def test_a_second_factor_is_asked_for_by_name_and_no_password_stands_in_for_it(ada: Visitor) -> None:
    refused = await ada.get("/payout")
    assert refused.status_code == 401
    acr = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"
    assert f'acr_values="{acr}", max_age="300"' in refused.headers["www-authenticate"]
    await ada.add_app()
    assert (await ada.get("/payout")).status_code == 200
    ada.running.clock.advance(301)
    assert (await ada.get("/payout")).status_code == 401
    assert (await ada.post("/auth/step-up", password=PASSWORD)).status_code == 401
    assert (await ada.post("/auth/step-up", code="000000")).status_code == 403
    code = ada.code()
    assert (await ada.post("/auth/step-up", code=code)).status_code == 200
    assert (await ada.get("/payout")).status_code == 200
    assert (await ada.post("/auth/step-up", code=code)).status_code == 403
    assert (await ada.post("/auth/step-up")).status_code == 403
    assert (await ada.post("/auth/step-up", code=code, password=PASSWORD)).status_code == 403


async def test_an_api_key_proves_nothing_of_lately_and_is_not_asked_to(ada: Visitor) -> None:
    made = await ada.post("/auth/keys", name="robot", scopes=["profile:read"])
    answer = await ada.client.get("/lately", headers={"Authorization": f"Bearer {made.json()['key']}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "session_required")


async def test_what_changes_how_an_account_is_entered_wants_the_factor_it_has(ada: Visitor) -> None:
    old = dict(ada.headers)
    await ada.sign_in()
    await ada.add_app()
    for headers in (old, ada.headers):
        ada.headers = headers
        if headers is not old:
            ada.running.clock.advance(601)
        asked = [
            await ada.post("/auth/password", current_password=PASSWORD, new_password="another horse battery"),
            await ada.post("/auth/email", email="other@example.org", password=PASSWORD),
            await ada.post("/auth/me/delete", password=PASSWORD),
            await ada.post("/auth/keys", name="robot", scopes=["profile:read"]),
            await ada.post("/auth/factors/recovery-codes"),
            await ada.post("/auth/factors/passkeys/options"),
            await ada.client.delete("/auth/factors/totp", headers=headers),
        ]
        assert [each.status_code for each in asked] == [401] * len(asked)
        assert {each.json()["code"] for each in asked} == {"insufficient_user_authentication"}
    await ada.post("/auth/step-up", code=ada.code())
    assert (await ada.post("/auth/keys", name="robot", scopes=["profile:read"])).status_code == 201
    assert (await ada.client.delete("/auth/factors/totp", headers=ada.headers)).status_code == 204


async def test_a_stolen_token_of_yesterday_adds_no_factor_and_locks_nobody_out(ada: Visitor) -> None:
    ada.running.clock.advance(601)
    await ada.sign_in()
    ada.running.clock.advance(590)
    begun = await ada.post("/auth/factors/totp")
    assert begun.status_code == 200
    ada.running.clock.advance(20)
    for path in ("/auth/factors/totp", "/auth/factors/passkeys/options"):
        assert (await ada.post(path)).status_code == 401
    assert (await ada.post("/auth/factors/totp/confirm", code="123456")).status_code == 401


async def test_a_pages_ticket_is_in_its_browser_and_nowhere_else(ada: Visitor) -> None:
    await ada.add_app()
    answer = await ada.sign_in(mode="cookie")
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_required")
    assert answer.json()["methods"] == ["totp", "recovery_code"]
    assert "ticket" not in answer.json()
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly; SameSite=Lax" in cookie
    ticket = cookie.split("=", 1)[1].split(";")[0]
    assert "mainstay=" not in cookie
    # Another browser has no such cookie; and what a cookie holds is no ticket for programs.
    ada.client.cookies.clear()
    code = ada.code()
    assert (await ada.client.post("/auth/sign-in/factor", json={"code": code})).json()["code"] == "ticket_refused"
    refused = await ada.client.post("/auth/sign-in/factor", json={"code": code, "ticket": ticket})
    assert refused.json()["code"] == "ticket_refused"
    here = {"Cookie": f"mainstay-second-step={ticket}"}
    foreign = await ada.client.post(
        "/auth/sign-in/factor", json={"code": code}, headers={**here, "Sec-Fetch-Site": "cross-site"}
    )
    assert foreign.json()["code"] == "csrf_failed"
    # The ticket is no session either.
    for headers in (here, {"Authorization": f"Bearer {ticket}"}, {"Cookie": f"mainstay={ticket}"}):
        assert (await ada.client.get("/auth/me", headers=headers)).status_code == 401
    done = await ada.client.post("/auth/sign-in/factor", json={"code": code}, headers=here)
    assert done.status_code == 200
    assert "csrf_token" in done.json()
    set_cookies = done.headers.get_list("set-cookie")
    assert set_cookies[0].startswith("mainstay-second-step=; ")
    assert set_cookies[1].startswith("mainstay=")


async def test_a_programs_ticket_is_of_no_use_as_a_pages(ada: Visitor) -> None:
    await ada.add_app()
    ticket = (await ada.sign_in()).json()["ticket"]
    code = ada.code()
    stolen = await ada.client.post(
        "/auth/sign-in/factor", json={"code": code}, headers={"Cookie": f"mainstay-second-step={ticket}"}
    )
    assert stolen.json()["code"] == "ticket_refused"
    tokens = await ada.post("/auth/sign-in/factor", ticket=ticket, code=code)
    assert tokens.status_code == 200
    assert (await ada.client.get("/auth/me", headers={"Authorization": f"Bearer {ticket}"})).status_code == 401


async def test_the_password_grant_has_no_second_step_and_says_so(ada: Visitor) -> None:
    await ada.add_app()
    form = {"grant_type": "password", "username": ADA, "password": PASSWORD}
    answer = await ada.client.post("/auth/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "second_factor_required")
    assert "ticket" not in answer.json()
    wrong = await ada.client.post("/auth/token", data={**form, "password": "not this one here"})
    assert wrong.json()["error"] == "invalid_grant"


async def test_a_wrong_password_is_answered_alike_with_and_without_a_factor(ada: Visitor) -> None:
    await ada.running.app.rooms.identity.create_user(BOB, PASSWORD)
    await ada.add_app()

    async def told(email: str) -> tuple[int, str, str]:
        answer = await ada.client.post("/auth/sign-in", json={"email": email, "password": "not this one here"})
        return answer.status_code, answer.json()["code"], answer.json()["detail"]

    assert await told(ADA) == await told(BOB) == await told("nobody@example.org")


async def test_a_role_that_needs_a_second_factor_does_nothing_before_it_has_one(urls: Urls, clock: WoundClock) -> None:
    async with library(urls, clock, factors={"required_for": ["admin"]}) as running:
        identity = running.app.rooms.identity
        user = await identity.create_user(ADA, PASSWORD, roles=("user", "admin"))

        @running.app.get("/mine")
        async def mine(user: Annotated[CurrentUser, Depends(current_user)]) -> str:
            return str(user.id)

        ada = Visitor(running)
        await ada.sign_in()
        for path in ("/mine", "/api/v1/folios", "/audit"):
            refused = await ada.get(path)
            assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_enrolment_required"), path
        assert (await ada.get("/auth/users")).json()["code"] == "second_factor_enrolment_required"
        assert (await ada.get("/auth/me")).json()["roles"] == []
        await ada.add_app()
        assert (await ada.get("/mine")).json() == str(user.id)
        assert (await ada.get("/api/v1/folios")).status_code == 200
        assert (await ada.get("/auth/me")).json()["roles"] == ["admin", "user"]
        # Others are none the wiser.
        await identity.create_user(BOB, PASSWORD)
        token = await running.sign_in(BOB)
        assert (await running.get("/mine", token)).status_code == 200


async def test_an_administrator_resets_what_somebody_has_lost(ada: Visitor) -> None:
    identity = ada.running.app.rooms.identity
    await ada.add_app()
    user = await identity.find_user(ADA)
    assert user is not None
    await identity.create_user(BOB, PASSWORD, roles=("user", "admin"))
    bob = {"Authorization": f"Bearer {await ada.running.sign_in(BOB)}"}
    path = f"/auth/users/{user.id}/factors"
    assert (await ada.client.delete(path, headers=ada.headers)).status_code == 403
    assert (await ada.client.delete(path, headers=bob)).json() == {"reset": True}
    assert (await ada.get("/auth/me")).status_code == 401
    assert "access_token" in (await ada.sign_in()).json()
    assert (await ada.client.delete(path, headers=bob)).json() == {"reset": False}

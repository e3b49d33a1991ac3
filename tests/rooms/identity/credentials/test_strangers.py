"""What somebody without an account can have written and sent: every route that is open to them, and its bound."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from sqlalchemy import func, select

from mainstay import Mainstay
from mainstay.assembly.groups.federation import ProviderSettings
from mainstay.base.errors import Rejected
from mainstay.identity import auth_routes
from mainstay.identity.accounts import AccountOptions
from mainstay.identity.credentials import AttemptOptions, Pace
from mainstay.identity.options import FactorOptions
from mainstay.identity.tables import metadata
from mainstay.web import problem
from tests.databases import Urls
from tests.journeys.shop import settings_for, visiting
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.rooms import House, Rooms

# A row and a letter: so many for one address of theirs, one address asked for, and in all.
LETTERS = {"/auth/sign-up", "/auth/verify-email/resend", "/auth/password/forgot", "/auth/sign-in/mail"}
# A few numbers in one of 2**20 rows.
PROOFS = {"/auth/sign-in", "/auth/token"}
# What is begun is in the visitor's browser, or in what they were answered, sealed or signed.
KEPT_BY_THE_VISITOR = {"/auth/sign-in/passkey/options", "/auth/federation/{name}/start"}
# They need something that only we can have given to them, and change rows that are there already.
TICKETS = {
    "/auth/verify-email", "/auth/password/reset", "/auth/email/confirm", "/auth/sign-in/mail/confirm", "/auth/refresh",
    "/auth/sign-in/factor", "/auth/sign-in/factor/passkey", "/auth/sign-in/passkey", "/auth/federation/exchange",
    "/auth/federation/{name}/callback",
}  # fmt: skip
# Nothing is written, whoever asks.
READ = {"/auth/federation", "/auth/avatars/{name}", "/auth/scopes"}
# Not of this room, and open: it takes one link that the server printed, while there is no administrator.
OTHERS = {"/auth/first-admin"}
OPTIONS = AttemptOptions(letters_of_address=Pace(3, 60.0, 600.0, 3600.0), letters_in_all=5)


async def test_these_are_all_the_routes_that_are_open_to_strangers(sqlite_urls: Urls) -> None:
    github = ProviderSettings(preset="github", client_id="shop", client_secret="of-the-shop")
    settings = settings_for(sqlite_urls, password_grant=True, sign_up=True, federation={"github": github})
    app = Mainstay(resources=[], settings=settings)
    found, told = set(), {}
    async with visiting(app) as client:
        for path, ways in app.openapi()["paths"].items():
            for method in ways:
                if not path.startswith("/auth"):
                    continue
                url = (
                    re.sub(r"{\w*id}", str(uuid4()), path).replace("{name}", "nobody").replace("{", "").replace("}", "")
                )
                answer = await client.request(method, url, json={} if method != "get" else None)
                refused = answer.status_code == 401 and answer.json()["code"] == "sign_in_required"
                if not refused:
                    found.add(path)
                    told[path] = method, answer.text
    listed = LETTERS | PROOFS | KEPT_BY_THE_VISITOR | TICKETS | READ
    assert found - OTHERS - listed == set(), [told[each] for each in found - OTHERS - listed]
    assert listed - found == set()


@pytest.fixture
async def tight(processes: House) -> Rooms:
    factors = FactorOptions(rp_id="localhost", origins=("http://localhost",))
    return await processes.open(attempts=OPTIONS, accounts=AccountOptions(steady_seconds=0.0), factors=factors)


@pytest.fixture
async def client(tight: Rooms) -> AsyncIterator[httpx.AsyncClient]:
    """Who says in a header where they come from, as behind a proxy that is trusted."""
    app = FastAPI()
    app.state.identity = tight.identity
    app.include_router(auth_routes(tight.identity))

    @app.exception_handler(Rejected)
    async def refuse(request: Request, error: Rejected) -> Response:
        status, headers, body = problem(error, "r", request.url.path)
        return Response(body, status, {name.decode(): value.decode() for name, value in headers})

    tight.identity.address_of = lambda scope: dict(scope["headers"]).get(b"x-from", b"192.0.2.1").decode()  # type: ignore[assignment, return-value, misc, unused-ignore]  # as a proxy tells it
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as opened:
        yield opened


async def rows(rooms: Rooms) -> int:
    """Of every table of the room, but for the counts: those are bounded by their keys."""
    found = 0
    for table in metadata.sorted_tables:
        if table.name != "mainstay_throttle":
            query = select(func.count()).select_from(table)
            found += int((await rooms.identity._room.control.fetch(query))[0][0])
    return found


def asked(path: str, number: int) -> dict[str, Any]:
    password = {"password": "nine blue whales on a bicycle"}
    return {"email": f"user{number}@example.org", **(password if path in ("/auth/sign-up", "/auth/sign-in") else {})}


async def test_one_address_has_so_many_rows_and_letters(client: httpx.AsyncClient, tight: Rooms) -> None:
    before = await rows(tight)
    for path in sorted(LETTERS):
        for number in range(6):
            await client.post(path, json=asked(path, number))
    assert await rows(tight) - before == 3
    assert len(tight.letters.sent) <= 3


async def test_all_addresses_together_have_so_many_and_more_the_next_hour(
    client: httpx.AsyncClient, tight: Rooms, clock: WoundClock
) -> None:
    before, statuses = await rows(tight), []
    for number, path in enumerate(sorted(LETTERS) * 3):
        answer = await client.post(path, json=asked(path, number), headers={"x-from": f"203.0.113.{number}"})
        statuses.append(answer.status_code)
    assert statuses == [202] * 5 + [429] * 7
    assert 0 < int(answer.headers["retry-after"]) <= 3600
    assert await rows(tight) - before == 5
    # The hour is that of the first: who asks meanwhile does not prolong it.
    clock.advance(3600)
    answer = await client.post("/auth/password/forgot", json=asked("", 99), headers={"x-from": "203.0.113.99"})
    assert answer.status_code == 202


async def test_whatever_else_is_open_writes_nothing(client: httpx.AsyncClient, tight: Rooms) -> None:
    before = await rows(tight)
    for number in range(5):
        at = {"x-from": f"203.0.113.{number}"}
        assert (await client.post("/auth/sign-in", json=asked("/auth/sign-in", number), headers=at)).status_code == 401
        assert (await client.post("/auth/sign-in/passkey/options", headers=at)).status_code == 200
        for path in ("/auth/verify-email", "/auth/email/confirm"):
            assert (await client.post(path, json={"token": "mlt_made-up"}, headers=at)).status_code == 403
        proof = {"request": "mlt_made-up", "proof": "123456"}
        assert (await client.post("/auth/sign-in/mail/confirm", json=proof, headers=at)).status_code == 403
        step = {"ticket": "mft_made-up", "code": "123456"}
        assert (await client.post("/auth/sign-in/factor", json=step, headers=at)).status_code == 403
    assert await rows(tight) == before
    assert tight.letters.sent == []

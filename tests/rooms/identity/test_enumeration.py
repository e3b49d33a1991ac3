"""Nobody learns from an answer, or from the time it takes, whether there is an account."""

import random
import statistics
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from mainstay.base.errors import Rejected
from mainstay.identity import PasswordOptions, auth_routes
from mainstay.identity.accounts import AccountOptions
from mainstay.identity.credentials import AttemptOptions, Pace
from mainstay.web import problem
from tests.rooms.identity.rooms import PASSWORD, House, Rooms

ADA, NOBODY, SHUT = "ada@example.org", "eve@example.org", "bob@example.org"
FREELY = Pace(10**6, 0.0, 0.0, 60.0)
UNCOUNTED = AttemptOptions(FREELY, FREELY, FREELY, FREELY, FREELY, FREELY)
STEADY = 0.04

# Every route that takes a name from somebody who has not proved who they are, and what is sent to it.
ROUTES: dict[str, dict[str, Any]] = {
    "/auth/sign-in": {"password": "wrong horse battery"},
    "/auth/sign-up": {"password": "a fresh horse battery"},
    "/auth/verify-email/resend": {},
    "/auth/password/forgot": {},
    "/auth/sign-in/mail": {},
}


@pytest.fixture
async def strict(processes: House) -> Rooms:
    rooms = await processes.open(
        accounts=AccountOptions(steady_seconds=STEADY),
        attempts=UNCOUNTED,
        # Long enough to stand out if it were left out, short enough for a test.
        passwords=PasswordOptions(memory_kib=16 * 1024, passes=1),
    )
    await rooms.identity.create_user(ADA, PASSWORD, username="ada")
    user = await rooms.identity.create_user(SHUT, PASSWORD)
    await rooms.identity.set_active(user.id, False)
    return rooms


@pytest.fixture
async def client(strict: Rooms) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.identity = strict.identity
    app.include_router(auth_routes(strict.identity))

    @app.exception_handler(Rejected)
    async def refuse(request: Request, error: Rejected) -> Response:
        status, headers, body = problem(error, "r", request.url.path)
        return Response(body, status, {name.decode(): value.decode() for name, value in headers})

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as opened:
        yield opened


def plain(answer: httpx.Response, email: str) -> tuple[int, Any, dict[str, str]]:
    """An answer without what differs in every one: the address that was sent, and a fresh secret."""
    body = answer.json()
    if isinstance(body, dict) and "request" in body:
        body["request"] = f"{body['request'][:4]} and {len(body['request'])} letters"
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return answer.status_code, str(body).replace(email, "?"), headers


@pytest.mark.parametrize("path", ROUTES)
async def test_the_answer_is_the_same(client: httpx.AsyncClient, path: str) -> None:
    answers = [
        plain(await client.post(path, json={"email": email, **ROUTES[path]}), email) for email in (ADA, NOBODY, SHUT)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == (401 if path == "/auth/sign-in" else 202)


@pytest.mark.parametrize("path", ROUTES)
async def test_the_time_is_the_same(client: httpx.AsyncClient, path: str) -> None:
    """The medians of names that have an account and names that have none, in an order nobody could profit from.

    They are no further apart than the middle half of either; without a dummy hash a sign-in takes a tenth, and
    without `steady` what is done for an account shows.
    """
    rounds = 12
    took: dict[str, list[float]] = {ADA: [], NOBODY: []}
    turns = [ADA, NOBODY] * rounds
    random.Random(7).shuffle(turns)
    for number, email in enumerate(turns):
        # A new stranger each time: a sign-up makes a stranger known.
        asked = email if email == ADA else f"eve{number}@example.org"
        started = time.perf_counter()
        await client.post(path, json={"email": asked, **ROUTES[path]})
        took[email].append(time.perf_counter() - started)
    known, unknown = (sorted(took[email]) for email in (ADA, NOBODY))
    apart = abs(statistics.median(known) - statistics.median(unknown))
    noise = max(known[rounds * 3 // 4] - known[rounds // 4], unknown[rounds * 3 // 4] - unknown[rounds // 4])
    # However busy the machine is, the quickest of each are close.
    assert 0.6 < known[0] / unknown[0] < 1.6
    if path != "/auth/sign-in":
        assert min(known[0], unknown[0]) >= STEADY
    assert apart <= max(0.0015, noise, 0.1 * statistics.median(known)), (known, unknown)


async def test_a_letter_is_the_only_one_who_knows(client: httpx.AsyncClient, strict: Rooms) -> None:
    for path, body in ROUTES.items():
        await client.post(path, json={"email": NOBODY, **body})
        await client.post(path, json={"email": SHUT, **body})
    kinds = [(each.to, each.kind) for each in strict.letters.sent]
    # A stranger who signs up gets the letter that makes the account, and may have it sent again; no other letters.
    assert kinds == [(NOBODY, "verify-email"), (SHUT, "already-registered"), (NOBODY, "verify-email")]


async def test_a_token_tells_nothing_but_that_it_does_not_hold(client: httpx.AsyncClient) -> None:
    for path, body in (
        ("/auth/verify-email", {}),
        ("/auth/email/confirm", {}),
        ("/auth/password/reset", {"password": "a fresh horse battery"}),
    ):
        for token in ("mlt_made-up", "x", "' or 1=1 --", "é"):
            answer = await client.post(path, json={"token": token, **body})
            assert (answer.status_code, answer.json()["code"]) == (403, "letter_refused")

"""A passkey in Chromium, from an authenticator of its own: made, used as the second step, alone, and for step-up."""

import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.async_api import CDPSession, Page, async_playwright

from mainstay import Mainstay
from mainstay.testing import Backend

ADA, PASSWORD = "ada@example.org", "correct horse battery"
# What a page has to do, in full.
SCRIPT = """
async ([path, body]) => {
  const csrf = document.cookie.split('; ').find(each => each.startsWith('mainstay-csrf='));
  const headers = {'Content-Type': 'application/json', 'X-CSRF-Token': csrf ? csrf.split('=')[1] : ''};
  const post = async (to, what) => {
    const answer = await fetch(to, {method: 'POST', headers, body: JSON.stringify(what)});
    return [answer.status, answer.status === 204 ? null : await answer.json()];
  };
  const created = async () => {
    const [, begun] = await post('/auth/factors/passkeys/options', {});
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(begun.options);
    const made = await navigator.credentials.create({publicKey});
    return post('/auth/factors/passkeys', {ticket: begun.ticket, name: 'Chromium', credential: made.toJSON()});
  };
  const used = async (from, to, name) => {
    const [status, begun] = await post(from, {});
    if (status !== 200) return [status, begun];
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(begun.options);
    const found = await navigator.credentials.get({publicKey});
    const ticket = begun.ticket ? {ticket: begun.ticket} : {};
    return post(to, {...body, ...ticket, [name]: found.toJSON()});
  };
  if (path === 'create') return created();
  if (path === 'second') return used('/auth/sign-in/factor/passkey', '/auth/sign-in/factor', 'passkey');
  if (path === 'alone') return used('/auth/sign-in/passkey/options', '/auth/sign-in/passkey', 'credential');
  if (path === 'step-up') return used('/auth/step-up/passkey', '/auth/step-up', 'passkey');
  return post(path, body);
}
"""
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def site() -> Iterator[str]:
    """The address of an app with one user: browsers take `localhost`, and no number, for a passkey's domain."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://localhost:{listening.getsockname()[1]}"
        settings = {"public_url": url, "passwords": {"memory_kib": 64, "passes": 1}}
        with Backend(Mainstay(title="Shop"), settings=settings) as backend:
            server = uvicorn.Server(uvicorn.Config(backend.app, lifespan="off", log_level="critical", ws="none"))
            serving = backend.portal.start_task_soon(server.serve, [listening])
            deadline = time.monotonic() + 20
            while not server.started:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            backend.portal.call(backend.app.rooms.identity.create_user, ADA, PASSWORD)
            yield url
            server.should_exit = True
            serving.result(20)


@asynccontextmanager
async def browsing(chromium: Path, address: str) -> AsyncIterator[tuple[Page, CDPSession]]:
    """A page of the app, in a browser that has an authenticator."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium)
        page = await browser.new_page()
        session = await page.context.new_cdp_session(page)
        await session.send("WebAuthn.enable")
        await session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        await page.goto(f"{address}/livez")
        yield page, session
        await browser.close()


async def test_a_passkey_is_made_and_opens_the_account_with_and_without_the_password(site: str, chromium: Path) -> None:
    async with browsing(chromium, site) as (page, _):

        async def deed(path: str, **body: Any) -> tuple[int, dict[str, Any]]:
            status, answer = await page.evaluate(SCRIPT, [path, body])
            return status, answer

        async def by_password() -> tuple[int, dict[str, Any]]:
            return await deed("/auth/sign-in", email=ADA, password=PASSWORD, mode="cookie")

        async def signed_in() -> dict[str, Any]:
            told: dict[str, Any] = await page.evaluate("fetch('/auth/sessions').then(answer => answer.json())")
            return next((each for each in told.get("items", []) if each["current"]), {})

        async def leave() -> None:
            assert (await deed("/auth/sign-out"))[0] == 204
            assert await signed_in() == {}

        assert (await by_password())[0] == 200
        status, made = await deed("create")
        assert status == 201, made
        assert len(made["recovery_codes"]) == 10
        # The same authenticator holds one key of an account.
        with pytest.raises(Exception, match="InvalidStateError"):
            await deed("create")
        await leave()

        status, waits = await by_password()
        assert (status, waits["methods"]) == (403, ["passkey", "recovery_code"])
        assert await signed_in() == {}
        status, answer = await deed("second")
        assert status == 200, answer
        assert "mfa" in (await signed_in())["methods"]
        await leave()

        status, answer = await deed("alone", mode="cookie")
        assert status == 200, answer
        assert set((await signed_in())["methods"]) >= {"mfa", "user"}
        status, answer = await deed("step-up")
        assert status == 200, answer


async def test_a_page_at_another_address_cannot_use_it(site: str, chromium: Path) -> None:
    async with browsing(chromium, site) as (page, _):
        await page.goto(site.replace("localhost", "127.0.0.1") + "/livez")
        with pytest.raises(Exception, match="SecurityError"):
            await page.evaluate(SCRIPT, ["alone", {"mode": "cookie"}])

"""The JavaScript client's passkeys in Chromium, from an authenticator of its own, in a session held in cookies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, CDPSession, Page

from tests.clients.accounts.conftest import PASSWORD, Shop

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
SET_UP = """async ([email, password]) => {
  Object.assign(window, await import("/mainstay-1.js"), { email, password, asked: [], told: [] });
  const onSecondFactor = (problem) => { asked.push(problem.members.methods); return { passkey: true }; };
  const onStepUp = (problem) => { asked.push(problem.maxAge); return { passkey: true }; };
  window.client = createClient({ onSecondFactor, onStepUp, onSignedOut: ({ reason }) => told.push(reason) });
  const named = ({ code, name }) => (typeof code === "string" ? code : name);
  window.raised = (promise) => promise.then(() => null, named);
  window.me = async () => (await client.account.me()).email === email;
}"""


class Tab:
    """A page of the app, in a browser with an authenticator."""

    def __init__(self, page: Page, session: CDPSession, authenticator: str) -> None:
        self.page, self._session, self._authenticator = page, session, authenticator

    async def do(self, script: str) -> Any:
        return await self.page.evaluate(f"async () => {{ {script} }}")

    async def touch(self, willing: bool) -> None:
        """Whether its owner is there to touch it."""
        where = {"authenticatorId": self._authenticator, "enabled": willing}
        await self._session.send("WebAuthn.setAutomaticPresenceSimulation", where)


@asynccontextmanager
async def browsing(browser: Browser, shop: Shop) -> AsyncIterator[Tab]:
    context = await browser.new_context()
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    made = await session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    await page.goto(f"{shop.url}/page")
    await page.evaluate(SET_UP, [shop.somebody(), PASSWORD])
    yield Tab(page, session, made["authenticatorId"])
    await context.close()


async def test_a_passkey_is_added_and_is_the_second_step_the_only_one_and_the_proof(
    shop: Shop, browser: Browser
) -> None:
    async with browsing(browser, shop) as tab:
        assert await tab.do("return passkeySupport()") == {"passkeys": True, "conditional": True}
        found = await tab.do("""
            await client.signIn({ email, password });
            const { id, recovery_codes } = await client.factors.addPasskey("This laptop");
            await client.factors.renamePasskey(id, "Chromium");
            const { passkeys } = await client.factors.get();
            const again = await raised(client.factors.addPasskey("Twice"));
            await client.signOut();
            return [recovery_codes.length, passkeys.map((each) => each.name), again, passkeys[0].id === id];
        """)
        assert found == [10, ["Chromium"], "InvalidStateError", True]
        # The second step, for which the client asks the browser; then alone, with no name at all.
        assert await tab.do("await client.signIn({ email, password, remember: true }); return [await me(), asked]") == [
            True,
            [["passkey", "recovery_code"]],
        ]
        found = await tab.do("""
            await client.signOut();
            const { scope } = await client.signInWithPasskey({ scope: "profile:read profile:write" });
            return [scope, await me(), (await client.sessions.all())[0].methods.includes("mfa")];
        """)
        assert found == ["profile:read profile:write", True, True]
        shop.later(400)
        found = await tab.do("""
            const pay = () => client.request("POST", "/payouts");
            const done = await Promise.all([pay(), pay(), pay()]);
            return [new Set(done.map(({ data }) => data)).size, asked.slice(1), document.cookie.includes("factor")];
        """)
        assert found == [3, [300], False]
        assert await tab.do("return [told, Object.keys(localStorage).length, Object.keys(sessionStorage).length]") == [
            ["signed-out", "signed-out"],
            1,
            0,
        ]


async def test_a_passkey_that_waits_among_a_forms_suggestions(shop: Shop, browser: Browser) -> None:
    async with browsing(browser, shop) as tab:
        await tab.do("""
            await client.signIn({ email, password });
            await client.factors.addPasskey("This laptop");
            await client.signOut();
        """)
        assert await tab.do("await client.signInWithPasskey({ conditional: true }); return me()") is True
        await tab.do("await client.signOut()")
        await tab.touch(False)
        # Whoever asks for another meanwhile, or leaves, ends the wait; a ticket that grows old is exchanged.
        found = await tab.do("""
            let begun = 0;
            const real = window.fetch;
            window.fetch = async (target, init) => {
              const answer = await real(target, init);
              if (!target.endsWith("/passkey/options")) return answer;
              begun++;
              const told = await answer.json();
              return Response.json({ ...told, options: { ...told.options, timeout: 200 } });
            };
            const quick = createClient({});
            const waits = quick.signInWithPasskey({ conditional: true });
            for (let i = 0; i < 500 && begun < 3; i++) await new Promise((resolve) => setTimeout(resolve, 20));
            const renewed = begun >= 3;
            window.fetch = real;
            const leave = new AbortController();
            const other = raised(client.signInWithPasskey({ conditional: true, signal: leave.signal }));
            const tooLong = new Promise((resolve) => setTimeout(resolve, 5000, "it still waits"));
            const first = await Promise.race([waits, tooLong]);
            setTimeout(() => leave.abort(), 50);
            const never = client.signInWithPasskey({ signal: AbortSignal.abort() });
            return [renewed, first, await other, await raised(never)];
        """)
        assert found == [True, None, "AbortError", "AbortError"]


async def test_who_does_not_touch_the_key_is_not_signed_in_and_may_type_a_code(shop: Shop, browser: Browser) -> None:
    async with browsing(browser, shop) as tab:
        codes = await tab.do("""
            await client.signIn({ email, password });
            const { recovery_codes } = await client.factors.addPasskey("This laptop");
            await client.signOut();
            return recovery_codes;
        """)
        await tab.touch(False)
        assert await tab.do("""
            window.plain = createClient({});
            const leave = new AbortController();
            setTimeout(() => leave.abort(), 100);
            return raised(plain.signInWithPasskey({ signal: leave.signal }));
        """) == "AbortError"  # fmt: skip
        found = await tab.page.evaluate(
            """async (code) => {
              const waiting = await plain.signIn({ email, password }).catch((error) => error);
              const wrong = await raised(plain.finishSignIn(waiting, { recovery_code: "aaaa-aaaa-aaaa-aaaa" }));
              // A page that was left in between, or comes back from another provider, has nothing to hand over.
              await plain.finishSignIn(null, { recovery_code: code });
              const over = await raised(plain.finishSignIn(null, { code: "123456" }));
              return ["ticket" in waiting.members, wrong, await me(), over];
            }""",
            codes[0],
        )
        assert found == [False, "factor_refused", True, "ticket_refused"]


async def test_an_api_key_is_not_for_pages(shop: Shop, browser: Browser) -> None:
    async with browsing(browser, shop) as tab:
        with pytest.raises(Exception, match="everybody's"):
            await tab.do('createClient({ apiKey: "msk_x" })')

"""The JavaScript client in tabs of a real browser, which share one session."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from tests.clients.conftest import PASSWORD, Site

# What a page of the app would do; `spoil` makes the server refuse the tokens that are known so far, and a
# `deaf` page has not heard yet what the others say.
SET_UP = """async ([mode, locks]) => {
  if (!locks) Object.defineProperty(Navigator.prototype, "locks", { value: undefined });
  const { createClient, localStore } = await import("/mainstay-1.js");
  window.told = [];
  window.spoilt = new Set();
  window.seen = new Set();
  const fetch = (target, init) => {
    const headers = new Headers(init.headers);
    const bearer = headers.get("authorization");
    if (bearer) seen.add(bearer);
    if (spoilt.has(bearer)) headers.set("authorization", "Bearer spoilt");
    return window.fetch(target, { ...init, headers });
  };
  window.spoil = () => seen.forEach((each) => spoilt.add(each));
  const store = mode === "bearer" ? localStore() : undefined;
  const { onmessage } = Object.getOwnPropertyDescriptors(BroadcastChannel.prototype);
  Object.defineProperty(BroadcastChannel.prototype, "onmessage", {
    set(hear) { onmessage.set.call(this, (event) => window.deaf || hear(event)); },
  });
  window.client = createClient({ mode, store, fetch, onSignedOut: (event) => told.push(event.reason) });
}"""
ME = """async () => {
  try { return (await client.request("GET", "/auth/me")).data.email; } catch (error) { return error.status; }
}"""
SIGN_IN = "([email, password]) => client.signIn({ email, password })"


@asynccontextmanager
async def browsing(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context()
    yield context
    await context.close()


async def tab(context: BrowserContext, site: Site, mode: str, *, locks: bool = True) -> Page:
    page = await context.new_page()
    await page.goto(f"{site.url}/page")
    await page.evaluate(SET_UP, [mode, locks])
    return page


async def both(script: str, *pages: Page) -> list[Any]:
    """The script in all pages, begun before any has ended."""
    for page in pages:
        await page.evaluate(f"() => {{ window.answer = ({script})(); window.answer.catch(() => {{}}); }}")
    return [await page.evaluate("() => window.answer") for page in pages]


@pytest.mark.parametrize("locks", [True, False], ids=["locks", "lease"])
async def test_tabs_that_need_a_token_at_once_exchange_one(site: Site, browser: Browser, locks: bool) -> None:
    email = site.somebody()
    async with browsing(browser) as context:
        one = await tab(context, site, "bearer", locks=locks)
        await one.evaluate(SIGN_IN, [email, PASSWORD])
        two, three = [await tab(context, site, "bearer", locks=locks) for _ in range(2)]
        assert await both(ME, one, two, three) == [email] * 3
        before = site.asked()
        for page in (one, two, three):
            await page.evaluate("spoil()")
        assert await both(ME, one, two, three) == [email] * 3
        assert site.asked() == before + 1, "one rotation, whose tokens all tabs use"
        assert [await page.evaluate("told") for page in (one, two, three)] == [[], [], []]


async def test_a_session_that_is_ended_elsewhere_is_over_in_all_tabs(site: Site, browser: Browser) -> None:
    for mode in ("bearer", "cookie"):
        email = site.somebody()
        async with browsing(browser) as context:
            one, two = await tab(context, site, mode), await tab(context, site, mode)
            await one.evaluate(SIGN_IN, [email, PASSWORD])
            assert await both(ME, one, two) == [email] * 2
            site.sign_out_elsewhere(email)
            assert await one.evaluate(ME) == 401
            await two.wait_for_function("told.length > 0", timeout=60_000)
            assert [await page.evaluate("told") for page in (one, two)] == [["ended"], ["ended"]]
            assert await two.evaluate(ME) == 401
            assert await two.evaluate("localStorage.getItem('mainstay')") is None


@pytest.mark.parametrize("stands", [True, False], ids=["stands", "ended"])
async def test_a_tab_that_hears_late_exchanges_what_another_got_and_is_refused(
    site: Site, browser: Browser, stands: bool
) -> None:
    email = site.somebody()
    async with browsing(browser) as context:
        one, two = await tab(context, site, "bearer"), await tab(context, site, "bearer")
        await one.evaluate(SIGN_IN, [email, PASSWORD])
        await one.evaluate("deaf = true")
        assert await both(ME, one, two) == [email] * 2
        if not stands:
            site.sign_out_elsewhere(email)
        others = await two.evaluate("[...seen]")
        await one.evaluate("(others) => { deaf = false; spoil(); others.forEach((each) => spoilt.add(each)); }", others)
        before = site.asked()
        assert await one.evaluate(ME) == (email if stands else 401)
        assert site.asked() == before + 1
        if not stands:
            await two.wait_for_function("told.length > 0", timeout=60_000)
        assert [await page.evaluate("told") for page in (one, two)] == ([[], []] if stands else [["ended"], ["ended"]])


async def test_signing_out_everywhere_is_told_to_all_tabs_and_signing_in_too(site: Site, browser: Browser) -> None:
    for mode in ("bearer", "cookie"):
        email, other = site.somebody(), site.somebody()
        async with browsing(browser) as context:
            one, two = await tab(context, site, mode), await tab(context, site, mode)
            await one.evaluate(SIGN_IN, [email, PASSWORD])
            assert await two.evaluate(ME) == email
            assert await one.evaluate("client.signOutEverywhere()") == 1
            await two.wait_for_function("told.length > 0", timeout=60_000)
            assert [await page.evaluate("told") for page in (one, two)] == [["signed-out"], ["signed-out"]]
            assert await two.evaluate(ME) == 401
            await one.evaluate(SIGN_IN, [other, PASSWORD])
            assert await two.evaluate(ME) == other, "the second tab acts as who signed in, not as who was"
            made = "async () => (await client.resource('notes').create({ text: 'Milk' })).text"
            assert await both(made, one, two) == ["Milk", "Milk"]


async def test_tabs_in_cookies_send_the_csrf_token_and_keep_nothing(site: Site, browser: Browser) -> None:
    email = site.somebody()
    async with browsing(browser) as context:
        page = await tab(context, site, "cookie")
        assert await page.evaluate(ME) == 401
        await page.evaluate(SIGN_IN, [email, PASSWORD])
        made = "async () => (await client.resource('notes').create({ text: 'Milk' })).text"
        assert await page.evaluate(made) == "Milk"
        stored = await page.evaluate("Object.entries(localStorage).concat(Object.entries(sessionStorage))")
        assert [name.split(" ")[0] for name, _ in stored] == ["mainstay-renewed"]
        assert await page.evaluate("seen.size") == 0, "no bearer token"
        before = site.asked()
        two = await tab(context, site, "cookie")
        assert await both("() => client.refresh()", page, two) == [True, True]
        assert site.asked() == before + 1
        # Eleven minutes later the cookie is exchanged, behind the request.
        for each in (page, two):
            await each.evaluate("() => { const now = Date.now; Date.now = () => now() + 660_000; }")
        assert await page.evaluate(ME) == email
        for each in (page, two):  # what one tab stores reaches the other's process in its own time
            await each.wait_for_function("Number(Object.values(localStorage)[0]) > Date.now() - 60_000", timeout=30_000)
        assert await both(ME, page, two) == [email] * 2
        assert site.asked() == before + 2
        await page.evaluate("client.signOut()")
        assert await page.evaluate("client.isSignedIn()") is False


async def test_offline_and_a_server_that_dies_sign_nobody_out(site: Site, browser: Browser) -> None:
    email = site.somebody()
    async with browsing(browser) as context:
        one, two = await tab(context, site, "bearer"), await tab(context, site, "bearer")
        await one.evaluate(SIGN_IN, [email, PASSWORD])
        assert await both(ME, one, two) == [email] * 2
        await context.set_offline(True)
        for page in (one, two):
            await page.evaluate("spoil()")
        assert await one.evaluate(ME) is None, "Unreachable has no status"
        await context.set_offline(False)
        site.lose()
        again = f"""async () => {{
          for (let i = 0; i < 20; i++) {{ const found = await ({ME})(); if (found) return found; }}
        }}"""
        assert await both(again, one, two) == [email] * 2
        assert not (site.folder / "lose").exists(), "an answer was lost"
        assert [await page.evaluate("told") for page in (one, two)] == [[], []]


async def test_a_tab_that_closes_while_it_refreshes_leaves_the_others_signed_in(site: Site, browser: Browser) -> None:
    email = site.somebody()
    async with browsing(browser) as context:
        one, two = await tab(context, site, "bearer"), await tab(context, site, "bearer")
        await one.evaluate(SIGN_IN, [email, PASSWORD])
        assert await both(ME, one, two) == [email] * 2
        for page in (one, two):
            await page.evaluate("spoil()")
        await one.evaluate("() => { void client.refresh(); }")
        await one.close()
        assert await two.evaluate(ME) == email
        assert await two.evaluate("told") == []


async def test_the_module_is_asked_for_again_and_not_sent_again(site: Site, browser: Browser) -> None:
    async with browsing(browser) as context:
        first = await context.request.get(f"{site.url}/mainstay-1.js")
        assert first.headers["content-type"].startswith("text/javascript")
        again = await context.request.get(f"{site.url}/mainstay-1.js", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status, await again.body()) == (304, b"")
        assert "export class Problem" in await (await context.request.get(f"{site.url}/mainstay-1.d.ts")).text()

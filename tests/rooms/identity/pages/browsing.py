"""What the tests of the pages do in Chromium: devices, pictures, barriers, and the ways that many of them go."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.rooms.identity.pages.conftest import Site
from tests.rooms.identity.pages.visitor import PASSWORD

ADA = "ada@example.com"
# Where to leave pictures of the pages, for somebody who wants to look at them.
PICTURES = os.environ.get("PAGES_PICTURES")
OURS = ("http://127.0.0.1", "http://localhost", "data:")
STRANGERS = (
    *("sign-in", "sign-up", "sign-in/letter", "forgot-password", "verify-email", "verify-email/resend"),
    *("reset-password", "confirm-email", "magic-link", "check-mail", "deleted", "sign-in/code"),
)
OWN = (
    *("", "sessions", "password", "email", "delete", "factors", "step-up", "picture", "preferences", "connections"),
    *("keys", "keys/new"),
)
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (375, 1280)]


@asynccontextmanager
async def chrome(chromium: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium)
        yield browser
        await browser.close()


@asynccontextmanager
async def device(browser: Browser, wrong: list[str], **options: Any) -> AsyncIterator[tuple[BrowserContext, Page]]:
    """A browser of its own, and whatever goes wrong in it: refused policies, script errors, other hosts."""
    context = await browser.new_context(**options)
    context.set_default_timeout(15_000)
    page = await context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith(("http://127.0.0.1", "http://localhost", "data:")) else wrong.append(asked.url)
        ),
    )
    yield context, page
    await context.close()


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


async def pictures(page: Page, address: str, name: str) -> None:
    """Of a page in both languages and colours, narrow and wide."""
    if PICTURES:
        for language in ("en", "de"):
            await page.set_extra_http_headers({"accept-language": language})
            await page.goto(address)
            for scheme, width in LOOKS:
                await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                await page.set_viewport_size({"width": width, "height": 740})
                await picture(page, f"{name}-{language}-{scheme}-{width}")
        await page.emulate_media(color_scheme="light")
        await page.set_viewport_size({"width": 360, "height": 740})


async def barriers(page: Page, axe: str) -> list[str]:
    """What axe finds, by WCAG 2.2 AA and its own good practice."""
    # Evaluated from outside: the page's policy lets no such script in.
    await page.evaluate(axe + "; null")
    violations = (await page.evaluate("axe.run(document, {resultTypes: ['violations']})"))["violations"]
    # The other colours: nothing but contrast depends on them.
    is_dark = await page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    await page.emulate_media(color_scheme="light" if is_dark else "dark")
    violations += (await page.evaluate("axe.run(document, {runOnly: ['color-contrast']})"))["violations"]
    await page.emulate_media(color_scheme="dark" if is_dark else "light")
    return [
        f"{page.url}: {each['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for each in violations
        for node in each["nodes"]
    ]


async def until(page: Page, expression: str) -> None:
    """Wait until it is so. What Playwright has for it makes functions of texts, which the pages' policy forbids."""
    for _ in range(300):
        if await page.evaluate(expression):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"it was never so: {expression}")


async def letter(site: Site, address: str = ADA) -> str:
    message = await run_sync(lambda: site.backend.mailbox.last(address))
    assert message.link is not None
    return message.link


async def sign_up(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/account/sign-up")
    await page.get_by_label("E-mail address").fill(ADA)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_label("Name (optional)", exact=True).fill("Ada <b>Lovelace</b>")
    await page.get_by_label("Company").fill("Analytical Engines")
    await page.get_by_label("Newsletter").check()
    await picture(page, "sign-up")
    await page.get_by_role("button", name="Create account").click()
    await page.get_by_role("heading", name="Check your e-mail").wait_for()
    await page.goto(await letter(site))
    assert page.url == f"{site.url}/account/verify-email"
    await picture(page, "verify-email")
    await page.get_by_role("button", name="Confirm address").click()
    await page.get_by_text("Your address is confirmed").wait_for()


async def have_account(site: Site) -> None:
    """As after signing up, and sooner."""
    identity = site.backend.app.rooms.identity
    await run_sync(lambda: site.backend.run(identity.create_user, ADA, PASSWORD))


async def sign_in(page: Page, password: str = PASSWORD) -> None:
    await page.get_by_label("E-mail address or username").fill(ADA)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.get_by_role("heading", name="Your account").wait_for()


async def fill_profile(page: Page) -> None:
    assert await page.get_by_label("Name (optional)", exact=True).input_value() == "Ada <b>Lovelace</b>"
    assert await page.get_by_label("City").input_value() == ""
    await page.get_by_label("City").fill("London")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("Your profile has been saved.").wait_for()
    assert await page.get_by_label("City").input_value() == "London"
    await picture(page, "account-phone")

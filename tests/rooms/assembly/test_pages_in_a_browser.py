"""The live page, the docs and the first administrator's form, as a person meets them."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, async_playwright

from scripts.packages import held_port
from tests.databases import Urls
from tests.journeys.shop import KEY, PASSWORD, settings_for, shop
from tests.serving import running, until

APP = """
from tests.journeys.shop import Author, Book
from mainstay import Mainstay

app = Mainstay(resources=[Author, Book], title="Shop")
"""


@pytest.fixture
def site(sqlite_urls: Urls, tmp_path: Path, root: Path) -> Iterator[str]:
    """The address of the app, served by Granian."""
    (tmp_path / "site_app.py").write_text(APP)
    variables = {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(root)]),
        "MAINSTAY_DATABASE_URL": sqlite_urls.database_url,
        "MAINSTAY_SECRET_KEY": KEY,
        "MAINSTAY_ENVIRONMENT": "testing",
    }
    with held_port() as port:
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port), "site_app:app"]
        address = f"http://127.0.0.1:{port}"
        with running(command, tmp_path, variables) as server:
            until(lambda: _answers(address), server.said, server.process)
            yield address


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/livez", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


@asynccontextmanager
async def browsing(chromium: Path, dark: bool = False) -> AsyncIterator[tuple[Page, list[str]]]:
    """A page, and whatever went wrong in it: script errors, refused policies, requests to other hosts."""
    wrong: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium)
        page = await browser.new_page(color_scheme="dark" if dark else "light")
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
        page.on("request", lambda asked: None if _is_local(asked.url) else wrong.append(asked.url))
        yield page, wrong
        await browser.close()


def _is_local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1", "data:", "blob:"))


async def test_a_newcomer_creates_the_first_administrator_signs_in_and_sees_live_rows(
    site: str, sqlite_urls: Urls, chromium: Path
) -> None:
    app = shop(sqlite_urls, settings=settings_for(sqlite_urls))
    async with app.running():
        link = await app.rooms.first_admin.link(site)
    assert link is not None
    async with browsing(chromium) as (page, wrong):
        await page.goto(link)
        assert "#" not in page.url
        await page.get_by_label("E-mail").fill("root@example.com")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Create").click()
        await page.get_by_role("link", name="Go on").click()
        await page.get_by_role("heading", name="books").wait_for()
        # The counts are asked for after the page is shown.
        await page.get_by_text("0 rows").nth(1).wait_for()
        await page.get_by_label("E-mail").fill("root@example.com")
        await page.get_by_label("Password").fill("wrong password here")
        await page.get_by_role("button", name="Sign in").click()
        await page.locator("#message.error").wait_for()
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_text("root@example.com").wait_for()
        async with httpx.AsyncClient(base_url=site) as client:
            tokens = await client.post("/auth/sign-in", json={"email": "root@example.com", "password": PASSWORD})
            headers = {"Authorization": f"Bearer {tokens.json()['access_token']}"}
            await client.post("/api/v1/authors", json={"name": "Ada <b>Lovelace</b>"}, headers=headers)
        # Coming back to the page refreshes it at once; nobody waits for the next round.
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await page.get_by_role("cell", name="Ada <b>Lovelace</b>").wait_for()
        assert await page.locator("#authors .count").inner_text() == "1 row"
        assert not wrong


@pytest.mark.parametrize(("path", "shown"), [("/docs", ".opblock-tag"), ("/redoc", "[data-section-id]")])
async def test_the_docs_show_the_operations_and_ask_no_other_host(
    site: str, chromium: Path, path: str, shown: str
) -> None:
    async with browsing(chromium, dark=True) as (page, wrong):
        await page.goto(f"{site}{path}")
        await page.locator(shown).first.wait_for()
        assert "books" in await page.inner_text("body")
        assert not wrong

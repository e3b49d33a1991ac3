"""Readers leave a mailing list by its letters' own links, and nobody else can."""

import re
from collections.abc import AsyncIterator

import httpx2 as httpx
import pytest
from fastapi import FastAPI

from mainstay.base.errors import ConfigurationError
from mainstay.base.secret import MasterKey, Secret
from mainstay.mail import mail_routes
from tests.rooms.mail.post import Office, Town

ADA = "ada@example.com"
NEWS = {"title": "News", "text": "One"}


@pytest.fixture
async def client(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(mail_routes(office.mail))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://shop.example") as client:
        yield client


async def newsletter(office: Office, to: str = ADA) -> str:
    """The link of a newsletter that was just sent."""
    assert await office.mail.send("newsletter", to, NEWS, list="news")
    await office.mail.deliver()
    return str(office.sent[-1].headers["List-Unsubscribe"].strip("<>"))


async def test_a_newsletter_says_how_to_leave_it_in_its_headers_text_and_html(office: Office) -> None:
    link = await newsletter(office)
    [letter] = office.sent
    assert link.startswith("https://shop.example/mail/unsubscribe/")
    assert letter.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter.headers["List-Id"] == "<news.shop.example>"
    assert link in letter.text
    assert f'href="{link}"' in letter.html
    # Neither the reader nor the list can be read from it.
    assert "ada" not in link
    assert "news" not in link
    assert letter.mime()["List-Unsubscribe"] == f"<{link}>"


async def test_one_click_leaves_and_a_look_does_not(office: Office, client: httpx.AsyncClient) -> None:
    link = await newsletter(office)
    page = await client.get(link)
    assert page.status_code == 200
    assert 'method="post"' in page.text
    assert await office.mail.send("newsletter", ADA, NEWS, list="news")
    clicked = await client.post(link, data={"List-Unsubscribe": "One-Click"}, follow_redirects=False)
    assert clicked.status_code == 200
    again = await client.post(link)
    assert again.status_code == 200
    assert not await office.mail.send("newsletter", ADA, NEWS, list="news")
    assert not await office.mail.send("newsletter", "ADA@Example.com", NEWS, list="news")
    # What was waiting does not go out either.
    await office.mail.deliver()
    assert len(office.sent) == 1
    assert await office.mail.send("newsletter", ADA, NEWS, list="offers")
    assert await office.mail.send("welcome", ADA)
    await office.mail.unsubscribing.subscribe_again("news", ADA)
    assert await office.mail.send("newsletter", ADA, NEWS, list="news")


async def test_a_link_that_was_not_made_here_does_nothing(
    office: Office, processes: Town, client: httpx.AsyncClient
) -> None:
    link = await newsletter(office)
    token = link.rpartition("/")[2]
    other = await processes.open(master=MasterKey(Secret("another master key for tests, long too")))
    foreign = other.mail.unsubscribing.link("news", ADA).rpartition("/")[2]
    changed = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    for wrong in (changed, foreign, token[:-4], "x", "%00", "ä", "A" * 5000, token + "="):
        for method in ("GET", "POST"):
            answer = await client.request(method, f"/mail/unsubscribe/{wrong}")
            assert answer.status_code == 404, wrong
            assert "does not work" in answer.text
    assert await office.mail.send("newsletter", ADA, NEWS, list="news")


async def test_the_page_runs_nothing_and_is_kept_and_framed_by_nobody(
    office: Office, client: httpx.AsyncClient
) -> None:
    evil = "ada+<script>alert(1)</script>@example.com"
    link = office.mail.unsubscribing.link("news", evil)
    page = await client.get(link)
    assert "<script" not in page.text
    nonce = re.search(r"style-src 'nonce-([^']+)'", page.headers["content-security-policy"])
    assert nonce is not None
    assert f'nonce="{nonce[1]}"' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert (await client.get(link)).headers["content-security-policy"] != page.headers["content-security-policy"]


async def test_one_click_is_offered_over_https_alone_and_needs_an_address_of_the_apps(processes: Town) -> None:
    plain, nameless = await processes.open(url="http://127.0.0.1:8000"), await processes.open(url=None)
    await plain.mail.send("newsletter", ADA, NEWS, list="news")
    await plain.mail.deliver()
    assert "List-Unsubscribe-Post" not in plain.sent[0].headers
    with pytest.raises(ConfigurationError, match="MAINSTAY_PUBLIC_URL"):
        await nameless.mail.send("newsletter", ADA, NEWS, list="news")

"""Linking an identity to an account that is there, and letting go of it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2

from mainstay import Mainstay
from tests.rooms.identity.federation.browser import Browser
from tests.rooms.identity.federation.conftest import Upstream

PASSWORD = "correct horse battery staple"


def signed_up(browser: Browser, address: str) -> dict[str, str]:
    """Somebody with a password, signed in in this browser."""
    identity = browser.backend.app.rooms.identity
    browser.backend.run(identity.create_user, address, PASSWORD)
    found = browser.send("POST", "/auth/sign-in", json={"email": address, "password": PASSWORD, "mode": "cookie"})
    assert found.status_code == 200, found.text
    me: dict[str, str] = browser.me().json()
    return me


def link(browser: Browser, name: str, sub: str) -> str:
    """Where linking ends."""
    begun = browser.send("POST", f"/auth/federation/{name}/link", json={"return_to": "/account"})
    assert begun.status_code == 200, begun.text
    return str(browser.get(browser.visit(begun.json()["url"], sub)).headers["location"])


def links(browser: Browser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = browser.get("/auth/federation/links").json()["items"]
    return found


def test_an_identity_is_linked_by_the_accounts_owner_and_opens_it_from_then_on(
    browser: Browser, upstream: Upstream, address: str
) -> None:
    me = signed_up(browser, address)
    ada = upstream.account(f"other-{address}")
    assert link(browser, "up", ada) == "/account"
    assert [(each["provider"], each["email"]) for each in links(browser)] == [("up", f"other-{address}")]
    with Browser(browser.backend) as other:
        assert other.sign_in("up", ada).headers["location"] == "/"
        assert other.me().json()["id"] == me["id"]


def test_an_address_that_counts_for_nothing_can_be_linked_all_the_same(
    browser: Browser, upstream: Upstream, address: str
) -> None:
    signed_up(browser, address)
    assert link(browser, "post", upstream.account(address, email_verified=False)) == "/account"


def test_an_identity_belongs_to_one_account(browser: Browser, upstream: Upstream, address: str) -> None:
    ada = upstream.account(address)
    browser.sign_in("up", ada)
    with Browser(browser.backend) as other:
        signed_up(other, f"other-{address}")
        assert link(other, "up", ada) == "/account?error=federation_linked"
        assert links(other) == []


def test_linking_and_unlinking_need_a_session_that_was_proved_lately(
    own_browser: Browser, upstream: Upstream, address: str
) -> None:
    signed_up(own_browser, address)
    link(own_browser, "up", upstream.account(address))
    (linked,) = links(own_browser)
    own_browser.backend.clock.advance(seconds=601)
    begun = own_browser.send("POST", "/auth/federation/up/link", json={})
    for refused in (begun, own_browser.send("DELETE", f"/auth/federation/links/{linked['id']}")):
        assert (refused.status_code, refused.json()["code"]) == (401, "fresh_sign_in_required")
        assert 'max_age="600"' in refused.headers["www-authenticate"]
    assert len(links(own_browser)) == 1


def test_a_link_ends_with_the_session_that_asked_for_it(browser: Browser, upstream: Upstream, address: str) -> None:
    me = signed_up(browser, address)
    ada = upstream.account(f"other-{address}")
    url = browser.send("POST", "/auth/federation/up/link", json={}).json()["url"]
    callback = browser.visit(url, ada)
    identity = browser.backend.app.rooms.identity
    browser.backend.run(identity.sign_out_everywhere, me["id"])
    assert browser.get(callback).headers["location"] == "/?error=federation_state"
    assert browser.backend.run(identity.federation.list, me["id"]) == []


def test_another_site_cannot_begin_a_link(browser: Browser, upstream: Upstream, address: str) -> None:
    signed_up(browser, address)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {"Cookie": cookies, "Origin": "https://evil.example"}
    refused = browser.backend.client.post("/auth/federation/up/link", headers=headers, json={})
    assert refused.status_code == 403


def test_the_last_way_in_is_kept(browser: Browser, upstream: Upstream, address: str) -> None:
    browser.sign_in("up", upstream.account(address))
    (only,) = links(browser)
    refused = browser.send("DELETE", f"/auth/federation/links/{only['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "federation_last")
    link(browser, "other", upstream.account(f"second-{address}"))
    assert browser.send("DELETE", f"/auth/federation/links/{only['id']}").status_code == 204
    (left,) = links(browser)
    assert browser.send("DELETE", f"/auth/federation/links/{left['id']}").status_code == 409


def test_two_that_let_go_at_once_leave_one_way_in(browser: Browser, upstream: Upstream, address: str) -> None:
    browser.sign_in("up", upstream.account(address))
    link(browser, "other", upstream.account(f"second-{address}"))
    cookies = dict(browser.cookies)

    def let_go(identity: str) -> httpx2.Response:
        with Browser(browser.backend) as one:
            one.cookies = dict(cookies)
            return one.send("DELETE", f"/auth/federation/links/{identity}")

    with ThreadPoolExecutor(2) as both:
        ends = sorted(each.status_code for each in both.map(let_go, [each["id"] for each in links(browser)]))
    assert ends == [204, 409]
    assert len(links(browser)) == 1


def test_somebody_elses_identity_is_not_there(browser: Browser, upstream: Upstream, address: str) -> None:
    browser.sign_in("up", upstream.account(address))
    (theirs,) = links(browser)
    with Browser(browser.backend) as other:
        signed_up(other, f"other-{address}")
        assert other.send("DELETE", f"/auth/federation/links/{theirs['id']}").status_code == 404
    assert len(links(browser)) == 1


def test_the_same_newcomer_in_two_tabs_has_one_account(browser: Browser, upstream: Upstream, address: str) -> None:
    ada = upstream.account(address)
    callbacks = []
    tabs = [Browser(browser.backend) for _ in range(3)]
    for tab in tabs:
        callbacks.append(tab.visit(tab.begin("up"), ada))
    with ThreadPoolExecutor(3) as all_at_once:
        ends = list(all_at_once.map(lambda pair: pair[0].get(pair[1]), zip(tabs, callbacks, strict=True)))
    assert {each.headers["location"] for each in ends} == {"/"}
    assert len({tab.me().json()["id"] for tab in tabs}) == 1
    for tab in tabs:
        tab.elsewhere.close()


async def chained(app: Mainstay) -> None:
    """Everything that was done is in its chain."""
    while await app.rooms.relay.step() or await app.rooms.relay.oldest() is not None:
        await asyncio.sleep(0.01)
    await app.rooms.audit.flush()
    while await app.rooms.audit.waiting() or await app.rooms.audit.chaining.behind():
        await app.rooms.audit.settle()
        await asyncio.sleep(0.01)


def test_the_journal_has_what_happened(own_browser: Browser, upstream: Upstream, address: str) -> None:
    backend = own_browser.backend
    own_browser.sign_in("up", upstream.account(address))
    link(own_browser, "other", upstream.account(f"second-{address}"))
    (first, _) = links(own_browser)
    own_browser.send("DELETE", f"/auth/federation/links/{first['id']}")
    own_browser.sign_in("up", "nobody")
    backend.run(chained, backend.app)
    root = backend.as_user("root", roles=["admin"])
    told = [
        each
        for chain in ({}, {"chain": "system"})
        for each in root.get("/audit", params={"limit": 200, **chain}).json().get("items", [])
    ]
    names = {each["name"] for each in told}
    deeds = {"linked", "unlinked", "signed_up", "refused"}
    assert {"account.created", *(f"federation.{deed}" for deed in deeds)} <= names
    (refused,) = (each for each in told if each["name"] == "federation.refused")
    assert refused["details"] == {"provider": "up", "code": "federation_denied"}

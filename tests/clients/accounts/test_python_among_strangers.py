"""The Python client where others listen, redirect, answer in the app's place, or do not answer."""

import logging
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2 as httpx
import pytest

from mainstay.client import Client, MemoryStore, Problem, Tokens, Unreachable, kept
from mainstay.client.wire import with_bearer
from tests.clients.accounts.conftest import PASSWORD, Shop, Stranger

Strangers = Callable[[], Stranger]
HELD = Tokens("eyJ-access", "mrt_refresh", 9e9, 1e12)  # due, and not over


def test_no_secret_is_in_what_is_logged_printed_or_raised(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    store, seen = MemoryStore(), set[str]()

    def note() -> None:
        tokens = store.read()
        assert tokens is not None
        seen.update((tokens.access_token, tokens.refresh_token))
        assert not any(secret in repr(tokens) + str(tokens) for secret in seen)

    email = shop.somebody()
    with Client(shop.url, store=store) as client:
        client.sign_in(email, PASSWORD)
        note()
        client.refresh()
        note()
        told = ""
        for path, body in (("/auth/me", None), ("/nowhere", {"password": PASSWORD}), ("/payouts", None)):
            with pytest.raises(Problem) as found:
                client.request("PATCH" if body is None else "POST", path, json=body)
            told += "".join(traceback.format_exception(found.value)) + repr(found.value) + repr(vars(found.value))
        sent = client._session._wire.request("GET", "/", {"json": PASSWORD})
        told += repr(client) + repr(client._session) + repr(with_bearer(sent, next(iter(seen))))
        made = client.keys.create("x", ["profile:read"])
        told += repr(Client(shop.url, api_key=made["key"])._session)
        seen |= {PASSWORD, made["key"]}
    assert len(seen) == 6
    assert [secret for secret in seen if secret in caplog.text + told] == []
    assert "/auth/refresh" in caplog.text, "that much is logged"
    assert [line for line in shop.asked if any(secret in line for secret in seen)] == []


def test_no_secret_follows_a_redirect(shop: Shop, strangers: Strangers) -> None:
    front, other = strangers(), strangers()
    for path in ("/auth/refresh", "/auth/sign-in", "/auth/step-up", "/auth/password/reset"):
        front.answer(path, 307, Location=other.url + path)
    front.answer("/report", 302, Location=other.url + "/report")
    other.answer("/report", 200, {})
    store = MemoryStore()
    with httpx.Client(follow_redirects=True) as http:
        client = Client(front.url, store=store, http=http)
        for work in (
            lambda: client.sign_in("ada@example.com", PASSWORD),
            lambda: client.account.reset_password("token", PASSWORD),
        ):
            with pytest.raises(Problem) as found:
                work()
            assert found.value.status == 307
        store.write(HELD)
        with pytest.raises(Problem):
            client.refresh()
        with pytest.raises(Problem):
            client.step_up(password=PASSWORD)
        assert other.heard == []
        assert client.request("GET", "/report").status_code == 200
        assert [heard[2].get("authorization") for heard in other.heard] == [None]
        assert front.heard[-1][2]["authorization"] == "Bearer eyJ-access"


@pytest.mark.parametrize("body", [b"<html>Welcome to our network</html>", b"{}", b"[]", b'{"access_token": 1}'])
def test_a_portal_that_answers_in_the_apps_place_signs_nobody_out(
    strangers: Strangers, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PAUSES", (0.01, 0.01))
    portal, told = strangers(), list[str]()
    portal.answer("/auth/refresh", 200, body)
    portal.answer("/auth/sign-in", 200, body)
    store = MemoryStore()
    store.write(HELD)
    with Client(portal.url, store=store, on_signed_out=told.append) as client:
        with pytest.raises(Unreachable, match="Something else"):
            client.refresh()
        with pytest.raises(Unreachable, match="Something else"):
            client.sign_in("ada@example.com", PASSWORD)
        assert (store.read(), told) == (HELD, [])


def test_those_who_wait_for_an_exchange_share_its_failure(strangers: Strangers) -> None:
    away = strangers()
    away.answer("/auth/refresh", 503, {})
    store = MemoryStore()
    store.write(Tokens("eyJ", "mrt", 1.0))  # over
    with Client(away.url, store=store) as client, ThreadPoolExecutor(20) as threads:

        def ask(_: int) -> int:
            with pytest.raises(Problem) as found:
                client.request("GET", "/auth/me", headers={})
            return found.value.status

        assert set(threads.map(ask, range(20))) == {503}
    # A request that is repeated for the 503 has another attempt at it; without sharing it is sixty and more.
    assert away.paths().count("/auth/refresh") <= 12
    assert store.read() is not None


def test_a_server_that_is_away_is_left_in_peace_while_there_is_a_token(
    strangers: Strangers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PAUSES", (0.01, 0.01))
    away, store = strangers(), MemoryStore()
    away.answer("/auth/refresh", 503, {})
    away.answer("/auth/me", 200, {"email": "ada@example.com"})
    store.write(HELD)
    with Client(away.url, store=store) as client:
        for _ in range(5):
            assert client.account.me()["email"] == "ada@example.com"
    assert away.paths().count("/auth/refresh") == 3, "one exchange, tried three times"


def test_a_server_that_wants_rest_has_it(strangers: Strangers) -> None:
    tired = strangers()
    tired.answer("/auth/refresh", 429, {"code": "too_many_requests"}, Retry_After="30")
    tired.answer("/auth/me", 200, {"email": "ada@example.com"})
    store = MemoryStore()
    store.write(HELD)
    with Client(tired.url, store=store) as client:
        for _ in range(5):
            assert client.account.me()["email"] == "ada@example.com", "what there is will do"
        assert tired.paths().count("/auth/refresh") == 1
        store.write(Tokens("eyJ", "mrt", 1.0))
        for _ in range(3):
            with pytest.raises(Problem) as found:
                client.account.me()
            assert (found.value.status, found.value.code) == (429, "too_many_requests")
        assert tired.paths().count("/auth/refresh") == 1


def test_what_must_not_be_done_twice_is_not_repeated_for_a_routes_own_401(shop: Shop, strangers: Strangers) -> None:
    with Client(shop.url) as client:
        client.sign_in(shop.somebody(), PASSWORD)
        shop.done.clear()
        with pytest.raises(Problem) as found:
            client.request("POST", "/done-and-401")
        assert (found.value.status, len(shop.done)) == (401, 1)
        # That which carries a key may be, and the token's own refusal comes before any deed.
        with pytest.raises(Problem):
            client.request("POST", "/done-and-401", idempotency_key="once")
        assert len(shop.done) == 3
        shop.later(700)
        with pytest.raises(Problem):
            client.request("POST", "/done-and-401")
        assert len(shop.done) == 4
        assert client.is_signed_in


def test_a_servers_clock_that_is_ahead_costs_an_exchange_at_most(shop: Shop) -> None:
    store = MemoryStore()
    with Client(shop.url, store=store) as client:
        client.sign_in(shop.somebody(), PASSWORD)
        shop.later(590)
        asked = len(shop.asked)
        for _ in range(3):
            client.account.me()
        shop.later(590)
        for _ in range(3):
            client.account.me()
        assert shop.asked[asked:].count("POST /auth/refresh") == 1

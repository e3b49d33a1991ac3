"""Signing in with a real issuer: to it and back, into an account that is known or new."""

import secrets
from urllib.parse import urlsplit

import pytest

from mainstay.identity.federation.pending import challenge_of
from tests.rooms.identity.federation.browser import Browser, query_of
from tests.rooms.identity.federation.conftest import GUID, Upstream


def test_somebody_new_gets_an_account_and_is_known_the_next_time(
    browser: Browser, upstream: Upstream, address: str
) -> None:
    ada = upstream.account(address.capitalize(), name="Ada")
    back = browser.sign_in("up", ada, "/welcome?tab=1")
    assert (back.status_code, back.headers["location"]) == (303, "/welcome?tab=1")
    me = browser.me().json()
    assert me["email"] == address
    # The browser keeps the session, and nothing of the way there.
    assert sorted(browser.cookies) == ["__Host-mainstay", "__Host-mainstay-csrf", "__Host-mainstay-device"]
    with Browser(browser.backend) as another:
        another.sign_in("up", ada)
        assert another.me().json()["id"] == me["id"]


def test_the_address_at_the_provider_carries_pkce_state_and_nonce(browser: Browser) -> None:
    first, second = query_of(browser.begin("up")), query_of(browser.begin("up"))
    assert first["code_challenge_method"] == "S256"
    assert first["response_type"] == "code"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) == 43
        assert first[name] != second[name]
    kept = [name for name in browser.cookies if name.startswith("__Host-mainstay-federation-")]
    assert len(kept) == 2


@pytest.mark.parametrize("name", ["up", "post", "jwt", "other"])
def test_every_way_of_proving_oneself_to_the_issuer(
    browser: Browser, upstream: Upstream, name: str, address: str
) -> None:
    ada = upstream.account(address)
    back = browser.sign_in(name, ada)
    expected = "/?error=federation_email_unverified" if name == "post" else "/"
    assert back.headers["location"] == expected


def test_a_front_end_of_another_origin_gets_a_code_that_only_it_can_exchange(
    browser: Browser, upstream: Upstream, address: str
) -> None:
    ada = upstream.account(address)
    verifier = secrets.token_urlsafe(48)
    challenge = challenge_of(verifier)

    def come_back() -> str:
        back = browser.sign_in("up", ada, "https://app.example/after?x=1", challenge=challenge)
        to = urlsplit(back.headers["location"])
        assert (to.scheme, to.netloc, to.path) == ("https", "app.example", "/after")
        assert browser.cookies == {}
        return query_of(back.headers["location"])["code"]

    code = come_back()
    tokens = browser.send("POST", "/auth/federation/exchange", json={"code": code, "verifier": verifier})
    assert tokens.status_code == 200
    bearer = {"Authorization": f"Bearer {tokens.json()['access_token']}"}
    assert browser.backend.client.get("/auth/me", headers=bearer).json()["email"] == address
    again = browser.send("POST", "/auth/federation/exchange", json={"code": code, "verifier": verifier})
    assert (again.status_code, again.json()["code"]) == (400, "federation_state")

    stolen = come_back()
    guessed = browser.send("POST", "/auth/federation/exchange", json={"code": stolen, "verifier": "x" * 43})
    assert guessed.status_code == 400
    late = browser.send("POST", "/auth/federation/exchange", json={"code": stolen, "verifier": verifier})
    assert late.status_code == 400

    old = come_back()
    browser.backend.clock.advance(seconds=61)
    assert (
        browser.send("POST", "/auth/federation/exchange", json={"code": old, "verifier": verifier}).status_code == 400
    )


def test_entra_ids_issuer_is_that_of_the_tenant_and_its_addresses_make_no_accounts(
    browser: Browser, upstream: Upstream, address: str
) -> None:
    ada = upstream.account(address, tid=GUID)
    # nOAuth: whoever administers a tenant writes any address into it.
    assert browser.sign_in("entra", ada).headers["location"] == "/?error=federation_email_unverified"
    stranger = upstream.account(tid="99999999-2222-3333-4444-555555555555")
    with Browser(browser.backend) as other:
        assert other.sign_in("entra", stranger).headers["location"] == "/?error=federation_proof"
    nobody = upstream.account(address)
    with Browser(browser.backend) as other:
        assert other.sign_in("entra", nobody).headers["location"] == "/?error=federation_proof"


def test_googles_domain_is_believed_of_the_token_alone(browser: Browser, upstream: Upstream, address: str) -> None:
    inside = upstream.account(address, hd="example.org")
    begun = browser.begin("google")
    assert query_of(begun)["hd"] == "example.org"
    # oidc-provider tells `hd` only where its claims are put into the id_token: the tenant-like instance does.
    assert browser.get(browser.visit(begun, inside)).headers["location"] in ("/", "/?error=federation_not_admitted")
    outside = upstream.account(hd="example.com")
    with Browser(browser.backend) as other:
        assert other.sign_in("google", outside).headers["location"] == "/?error=federation_not_admitted"


def test_the_providers_are_listed_and_where_there_are_none_nothing_is_there(browser: Browser) -> None:
    listed = browser.get("/auth/federation").json()["items"]
    assert {"name": "entra", "title": "Microsoft", "kind": "oidc", "start": "/auth/federation/entra/start"} in listed
    assert "secret" not in str(listed)
    assert browser.get("/auth/federation/nobody/start").status_code == 404


def test_a_refusal_at_the_provider_comes_back_as_ours(browser: Browser) -> None:
    back = browser.sign_in("up", "nobody", "/sign-in")
    assert back.headers["location"] == "/sign-in?error=federation_denied"
    assert "no</b>" not in back.text


def test_an_account_that_was_shut_is_not_entered(browser: Browser, upstream: Upstream, address: str) -> None:
    ada = upstream.account(address)
    browser.sign_in("up", ada)
    identity = browser.backend.app.rooms.identity
    user = browser.backend.run(identity.find_user, address)
    assert user is not None
    browser.backend.run(identity.set_active, user.id, False)
    with Browser(browser.backend) as other:
        assert other.sign_in("up", ada).headers["location"] == "/?error=wrong_credentials"
        assert other.cookies == {}


def test_where_sign_up_is_closed_only_those_known_come_in(browser: Browser, upstream: Upstream, address: str) -> None:
    ada = upstream.account(address)
    assert browser.sign_in("bare", ada).headers["location"] == "/?error=federation_sign_up_closed"
    browser.sign_in("up", ada)
    with Browser(browser.backend) as other:
        assert other.sign_in("bare", ada).headers["location"] == "/"


def test_the_upstreams_tokens_are_kept_and_refreshed(own_browser: Browser, upstream: Upstream, address: str) -> None:
    browser, backend = own_browser, own_browser.backend
    ada = upstream.account(address)
    browser.sign_in("up", ada)
    browser.sign_in("post", ada)
    user = browser.me().json()["id"]
    federation = backend.app.rooms.identity.federation
    token = backend.run(federation.access_token, user, "post")

    def subject(token: str) -> str:
        found = browser.elsewhere.get(f"{upstream.url}/me", headers={"Authorization": f"Bearer {token}"})
        return str(found.json().get("sub"))

    assert subject(token) == ada
    assert backend.run(federation.access_token, user, "post") == token
    backend.clock.advance(seconds=590)
    newer = backend.run(federation.access_token, user, "post")
    assert newer != token
    assert subject(newer) == ada


def test_a_code_is_good_for_a_minute(own_browser: Browser, upstream: Upstream, address: str) -> None:
    back = own_browser.sign_in("up", upstream.account(address), challenge=challenge_of("v" * 43))
    own_browser.backend.clock.advance(seconds=61)
    late = {"code": query_of(back.headers["location"])["code"], "verifier": "v" * 43}
    assert own_browser.send("POST", "/auth/federation/exchange", json=late).status_code == 400

"""What others try: another's answer, an old one, a mixed-up one, somebody else's address."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.rooms.identity.federation.browser import Browser, query_of
from tests.rooms.identity.federation.conftest import GUID, Upstream
from tests.rooms.identity.federation.hostile import KEY, HostileIssuer, spelt

CODE = "a-code"


def come_back(browser: Browser, hostile: HostileIssuer, name: str = "hostile", **changes: str | None) -> str:
    """Where a sign-in with the hostile issuer ends, with these parameters in the callback."""
    asked = query_of(browser.begin(name))
    hostile.nonce = asked.get("nonce", "")
    given = {"state": asked["state"], "code": CODE, "iss": hostile.url, **changes}
    query = "&".join(f"{key}={value}" for key, value in given.items() if value is not None)
    back = browser.get(f"/auth/federation/{name}/callback?{query}")
    assert back.status_code == 303, back.text
    return str(back.headers["location"])


def half_hash(value: str) -> str:
    return spelt(hashlib.sha256(value.encode()).digest()[:16])


def test_the_forger_can_make_one_that_holds(browser: Browser, hostile: HostileIssuer, address: str) -> None:
    right = {"email": address, "email_verified": True, "sub": secrets.token_hex(8)}
    hostile.token = lambda _: hostile.tokens(id_token=hostile.sign_anything(hostile.claims(**right)))
    assert come_back(browser, hostile) == "/"


def test_a_token_as_it_should_be_is_taken(browser: Browser, hostile: HostileIssuer, address: str) -> None:
    right = {"email": address, "email_verified": True, "sub": secrets.token_hex(8)}
    hashes = {"at_hash": half_hash("upstream-access"), "c_hash": half_hash(CODE), "azp": "us", "aud": ["us", "api"]}
    hostile.token = lambda _: hostile.tokens(**right, **hashes)
    assert come_back(browser, hostile) == "/"
    assert browser.me().json()["email"] == address


def hs256(hostile: HostileIssuer, key: bytes) -> str:
    signed = unsigned(hostile, "HS256").removesuffix(".")
    return signed + "." + spelt(hmac.digest(key, signed.encode(), "sha256"))


def unsigned(hostile: HostileIssuer, algorithm: str) -> str:
    parts = [json.dumps(each).encode() for each in ({"alg": algorithm}, hostile.claims())]
    return ".".join(map(spelt, parts)) + "."


def own_key(hostile: HostileIssuer, **header: Any) -> str:
    key = ECKey.generate_key("P-256", private=True)
    shown = {"alg": "ES256", "jwk": key.as_dict(private=False), **header}
    return jwt.encode(shown, hostile.claims(), key, algorithms=["ES256"])


NOW = time.time
FORGED: dict[str, Callable[[HostileIssuer], object]] = {
    "another nonce": lambda h: h.sign(h.claims(nonce="x" * 43)),
    "no nonce": lambda h: h.sign(h.claims(nonce=None)),
    "another client's": lambda h: h.sign(h.claims(aud="them")),
    "nobody's": lambda h: h.sign(h.claims(aud=None)),
    "several audiences and no party": lambda h: h.sign(h.claims(aud=["us", "them"])),
    "another party": lambda h: h.sign(h.claims(aud=["us", "them"], azp="them")),
    "our audience, another party": lambda h: h.sign(h.claims(azp="them")),
    "another issuer": lambda h: h.sign(h.claims(iss="https://accounts.google.com")),
    "an issuer with a slash more": lambda h: h.sign(h.claims(iss=h.url + "/")),
    "no issuer": lambda h: h.sign(h.claims(iss=None)),
    "expired": lambda h: h.sign(h.claims(exp=int(NOW()) - 120)),
    "never expires": lambda h: h.sign(h.claims(exp=None)),
    "expires as text": lambda h: h.sign({**h.claims(), "exp": "9999999999"}),
    "expires as truth": lambda h: h.sign({**h.claims(), "exp": True}),
    "made long ago": lambda h: h.sign(h.claims(iat=int(NOW()) - 1000)),
    "made tomorrow": lambda h: h.sign(h.claims(iat=int(NOW()) + 86_400, exp=int(NOW()) + 90_000)),
    "good from tomorrow": lambda h: h.sign(h.claims(nbf=int(NOW()) + 86_400)),
    "nobody": lambda h: h.sign(h.claims(sub="")),
    "a number": lambda h: h.sign({**h.claims(), "sub": 7}),
    "a long name": lambda h: h.sign(h.claims(sub="x" * 256)),
    "another access token's": lambda h: h.sign(h.claims(at_hash=half_hash("another"))),
    "an empty at_hash": lambda h: h.sign(h.claims(at_hash="")),
    "another code's": lambda h: h.sign(h.claims(c_hash=half_hash("another"))),
    "an access token": lambda h: h.sign(h.claims(), typ="at+jwt"),
    "of an unknown key": lambda h: h.sign(h.claims(), kid="another"),
    "by another key under another kid": lambda h: own_key(h, kid="another"),
    "with a key of its own": lambda h: own_key(h),
    "with its own key under their kid": lambda h: own_key(h, kid="theirs"),
    "unencoded (RFC 7797)": lambda h: h.sign_anything(h.claims(), b64=False, crit=["b64"]),
    "with a critical header": lambda h: h.sign_anything(h.claims(), crit=["exp"], exp=1),
    "unsigned": lambda h: unsigned(h, "none"),
    "unsigned, spelt otherwise": lambda h: unsigned(h, "nOnE"),
    "with our secret": lambda h: hs256(h, b"0123456789abcdef"),
    "with their public key as secret": lambda h: hs256(h, KEY.as_pem(private=False)),
    "with a broken signature": lambda h: h.sign(h.claims())[:-8] + "AAAAAAAA",
    "with no signature": lambda h: h.sign(h.claims()).rpartition(".")[0] + ".",
    "in four parts": lambda h: h.sign(h.claims()) + ".x",
    "an object": lambda h: {"sub": "them"},
    "empty": lambda h: "",
    "a list of claims": lambda h: "W10.W10.W10",
}


def test_an_id_token_that_is_not_quite_right_proves_nothing(browser: Browser, hostile: HostileIssuer) -> None:
    ends = {}
    for how, forge in FORGED.items():
        hostile.token = lambda _, forge=forge: hostile.tokens(id_token=forge(hostile))  # type: ignore[misc]  # bound here
        ends[how] = come_back(browser, hostile)
    assert {how: end for how, end in ends.items() if end != "/?error=federation_proof"} == {}
    assert browser.cookies == {}


def test_userinfo_of_somebody_else_is_refused(browser: Browser, hostile: HostileIssuer, address: str) -> None:
    hostile.token = lambda _: hostile.tokens(email=None, email_verified=None)
    hostile.userinfo = {"sub": "somebody else", "email": address, "email_verified": True}
    assert come_back(browser, hostile) == "/?error=federation_proof"
    hostile.userinfo = {"email": address, "email_verified": True}
    assert come_back(browser, hostile) == "/?error=federation_proof"


def test_an_answer_of_another_issuer_is_not_shown_to_this_one(browser: Browser, hostile: HostileIssuer) -> None:
    hostile.token = lambda _: hostile.tokens()
    for iss in ("https://accounts.google.com", hostile.url + "/", "", None):
        hostile.asked.clear()
        assert come_back(browser, hostile, iss=iss) == "/?error=federation_proof"
        assert "/token" not in [path for _, path, _ in hostile.asked]


def test_a_tenant_that_entra_vouches_for_and_nobody_named_is_not_admitted(
    browser: Browser, hostile: HostileIssuer, address: str
) -> None:
    theirs = "99999999-2222-3333-4444-555555555555"
    for tenant, claimed, end in [
        (GUID, GUID, "/"),
        (theirs, theirs, "/?error=federation_not_admitted"),
        (theirs, GUID, "/?error=federation_proof"),
        (GUID, theirs, "/?error=federation_proof"),
    ]:
        claims = {"iss": f"{hostile.url}/{tenant}/v2.0", "tid": claimed, "email": address}
        hostile.token = lambda _, claims=claims: hostile.tokens(**claims)  # type: ignore[misc]  # bound here
        assert come_back(browser, hostile, "tenants", iss=claims["iss"]) == end
    assert come_back(browser, hostile, "tenants", iss="https://evil.example/v2.0") == "/?error=federation_proof"


def test_metadata_of_another_issuer_is_not_used(browser: Browser) -> None:
    begun = browser.get("/auth/federation/liar/start")
    assert (begun.status_code, begun.json()["code"]) == (503, "federation_away")


def test_a_callback_of_another_browser_leads_nowhere(browser: Browser, upstream: Upstream, address: str) -> None:
    attacker, victim = browser, Browser(browser.backend)
    callback = attacker.visit(attacker.begin("up"), upstream.account(address))
    with victim:
        # Login CSRF: the victim would write into the attacker's account.
        refused = victim.get(callback)
        assert (refused.status_code, refused.json()["code"]) == (400, "federation_state")
        assert "location" not in refused.headers
        # Nor beside a sign-in of their own.
        victim.begin("up")
        assert victim.get(callback).status_code == 400
        assert "__Host-mainstay" not in victim.cookies


def test_a_callback_is_good_once_even_with_its_cookie(browser: Browser, upstream: Upstream, address: str) -> None:
    callback = browser.visit(browser.begin("up"), upstream.account(address))
    kept = dict(browser.cookies)
    assert browser.get(callback).headers["location"] == "/"
    browser.cookies = kept
    assert browser.get(callback).headers["location"] == "/?error=federation_state"
    assert "__Host-mainstay" not in browser.cookies


def test_a_callback_is_good_for_its_provider_alone(browser: Browser, upstream: Upstream, address: str) -> None:
    callback = browser.visit(browser.begin("up"), upstream.account(address))
    assert browser.get(callback.replace("/up/", "/post/")).status_code == 400


def test_a_callback_is_good_for_ten_minutes(own_browser: Browser, upstream: Upstream, address: str) -> None:
    callback = own_browser.visit(own_browser.begin("up"), upstream.account(address))
    own_browser.backend.clock.advance(seconds=601)
    assert own_browser.get(callback).status_code == 400


def test_a_code_of_somebody_elses_sign_in_is_not_taken(browser: Browser, upstream: Upstream, address: str) -> None:
    with Browser(browser.backend) as victim:
        stolen = query_of(victim.visit(victim.begin("up"), upstream.account(address)))["code"]
    state = query_of(browser.begin("up"))["state"]
    back = browser.get(f"/auth/federation/up/callback?code={stolen}&state={state}&iss={upstream.url}")
    assert back.headers["location"] == "/?error=federation_proof"
    assert browser.cookies == {}


@pytest.mark.parametrize("state", ["", "x", "x" * 43, "x" * 4000, "é" * 43, "a%00b", "a;b=c"])
def test_states_that_nobody_made(browser: Browser, state: str) -> None:
    browser.begin("up")
    refused = browser.get(f"/auth/federation/up/callback?code=x&state={state}")
    assert refused.status_code in (400, 422)
    assert "location" not in refused.headers


def test_a_cookie_that_was_altered_or_is_another_seals_is_not_opened(browser: Browser) -> None:
    first = query_of(browser.begin("up"))["state"]
    (name, value) = next((name, value) for name, value in browser.cookies.items() if first[:12] in name)
    for altered in (value[:-4] + "AAAA", "x", "", value.swapcase()):
        browser.cookies = {name: altered}
        assert browser.get(f"/auth/federation/up/callback?code=x&state={first}").status_code == 400


def test_an_address_that_somebody_has_is_not_a_way_into_their_account(
    browser: Browser, hostile: HostileIssuer, address: str
) -> None:
    identity = browser.backend.app.rooms.identity
    victim = browser.backend.run(identity.create_user, address, "correct horse battery staple")
    for verified, error in [
        (True, "federation_email_taken"),
        (False, "federation_email_unverified"),
        ("true", "federation_email_unverified"),
        (1, "federation_email_unverified"),
        (None, "federation_email_unverified"),
    ]:
        claims = {"email": address.upper(), "email_verified": verified, "sub": secrets.token_hex(8)}
        hostile.token = lambda _, claims=claims: hostile.tokens(**claims)  # type: ignore[misc]  # bound here
        assert come_back(browser, hostile) == f"/?error={error}"
        assert browser.cookies == {}
    assert browser.backend.run(identity.federation.list, victim.id) == []


def test_an_identity_is_the_issuers_and_not_another_issuers_of_the_same_name(
    browser: Browser, hostile: HostileIssuer, upstream: Upstream, address: str
) -> None:
    ada = upstream.account(address)
    browser.sign_in("up", ada)
    hostile.token = lambda _: hostile.tokens(sub=ada, email="mallory-" + address, email_verified=True)
    with Browser(browser.backend) as other:
        come_back(other, hostile)
        assert other.me().json()["id"] != browser.me().json()["id"]


def test_what_the_provider_says_of_an_error_is_not_repeated(browser: Browser, hostile: HostileIssuer) -> None:
    said = "temporarily_unavailable%26next%3Dhttps%3A%2F%2Fevil.example&error_description=%3Cscript%3E"
    assert come_back(browser, hostile, code=None, error=said) == "/?error=federation_denied"


AWAY = """
//evil.example
///evil.example
/\\evil.example
\\\\evil.example
https://evil.example/
https://app.example.evil.example/
https://app.example@evil.example/
https://evil.example#https://app.example
https://app.example:444/
http://app.example/
HTTPS://APP.EXAMPLE/
https:app.example
https:/app.example
//app.example/
javascript:alert(1)
data:text/html,x
evil.example
%2F%2Fevil.example
/ok\r\nSet-Cookie: a=b
/ok\tx
/o k
https://app.example\\@evil.example/
https://app.example.
http://127.0.0.1/
""".strip("\n").split("\n")


def test_nobody_is_sent_away_from_here(browser: Browser) -> None:
    for to in AWAY:
        for params in ({"return_to": to}, {"return_to": to, "challenge": "x" * 43}):
            refused = browser.backend.client.get("/auth/federation/up/start", params=params, follow_redirects=False)
            assert refused.status_code in (400, 422), (to, refused.headers.get("location"))
            assert "location" not in refused.headers


def test_a_front_end_elsewhere_gets_no_cookies_and_needs_a_challenge(browser: Browser) -> None:
    for params in ({"return_to": "https://app.example/"}, {"return_to": "https://app.example/", "challenge": "short"}):
        refused = browser.backend.client.get("/auth/federation/up/start", params=params, follow_redirects=False)
        assert refused.status_code in (400, 422)

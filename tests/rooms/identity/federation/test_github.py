"""GitHub is not OpenID Connect: OAuth2, and an API that says whose the token is."""

import random

from tests.rooms.identity.federation.browser import Browser, query_of
from tests.rooms.identity.federation.hostile import HostileIssuer


def sign_in(browser: Browser, code: str = "right") -> str:
    asked = query_of(browser.begin("github"))
    assert asked["scope"] == "read:user user:email"
    assert asked["code_challenge_method"] == "S256"
    back = browser.get(f"/auth/federation/github/callback?code={code}&state={asked['state']}")
    return str(back.headers["location"])


def somebody(hostile: HostileIssuer, address: str, *, verified: bool = True) -> None:
    hostile.user = {
        "id": random.getrandbits(40),
        "login": "octocat",
        "name": "The Octocat",
        "email": "public@x.example",
    }
    hostile.emails = [
        {"email": f"old-{address}", "primary": False, "verified": True},
        {"email": address, "primary": True, "verified": verified},
    ]


def test_the_primary_verified_address_makes_the_account_and_the_number_is_who_it_is(
    browser: Browser, hostile: HostileIssuer, address: str
) -> None:
    somebody(hostile, address)
    assert sign_in(browser) == "/"
    me = browser.me().json()
    assert me["email"] == address
    # A login is given up and taken by others, and addresses change.
    hostile.user["login"] = "renamed"
    hostile.emails = [{"email": f"new-{address}", "primary": True, "verified": True}]
    with Browser(browser.backend) as other:
        assert sign_in(other) == "/"
        assert other.me().json()["id"] == me["id"]
    calls = [headers for method, path, headers in hostile.asked if path.startswith("/api/user")]
    assert {each["authorization"] for each in calls} == {"Bearer gho_upstream"}


def test_an_address_that_is_not_verified_makes_none(browser: Browser, hostile: HostileIssuer, address: str) -> None:
    somebody(hostile, address, verified=False)
    assert sign_in(browser) == "/?error=federation_email_unverified"


def test_a_code_that_github_does_not_know_is_refused_although_it_says_200(
    browser: Browser, hostile: HostileIssuer, address: str
) -> None:
    somebody(hostile, address)
    assert sign_in(browser, code="wrong") == "/?error=federation_proof"


def test_an_api_that_names_nobody_proves_nothing(browser: Browser, hostile: HostileIssuer, address: str) -> None:
    for identifier in (None, "", True, 1.5, {"id": 1}, "x" * 256):
        somebody(hostile, address)
        hostile.user["id"] = identifier
        assert sign_in(browser) == "/?error=federation_proof"

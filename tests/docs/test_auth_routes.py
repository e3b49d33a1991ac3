"""The reference lists every route under /auth, and none that is not there."""

import re

from mainstay import Mainstay
from mainstay.assembly.groups.federation import ProviderSettings
from mainstay.assembly.settings import Settings
from tests.architecture.source import ROOT

PAGE = "docs/reference/identity.md"


def listed(text: str) -> set[str]:
    """`POST /auth/sign-in` of each row: "`GET`, `PATCH /auth/me`" are two."""
    found: set[str] = set()
    methods: list[str] = []
    for cell in re.findall(r"^\| (`(?:GET|PUT|POST|PATCH|DELETE)\b[^|]*) \|", text, re.M):
        for part in re.findall(r"`([^`]+)`", cell):
            *named, last = part.split(" ")
            methods += named or [last]
            if last.startswith("/"):
                found |= {f"{method} {last}" for method in methods}
                methods = []
    return found


def served() -> set[str]:
    """What an app serves with everything on."""
    github = ProviderSettings(preset="github", client_id="shop", client_secret="of-the-shop")
    app = Mainstay(resources=[], settings=Settings(password_grant=True, sign_up=True, federation={"github": github}))
    paths = app.openapi()["paths"]
    return {f"{method.upper()} {path}" for path, ways in paths.items() for method in ways if path.startswith("/auth")}


def test_every_route_under_auth_is_in_the_reference() -> None:
    text = (ROOT / PAGE).read_text()
    named = {route for route in listed(text) if "/auth" in route}
    assert served() - named == set(), "routes that the page does not list"
    assert named - served() == set(), "routes that are not there"


def test_a_route_that_is_not_listed_is_found() -> None:
    assert listed("| `GET`, `PATCH /auth/me` | | the user |\n| `DELETE /auth/keys/{key_id}` | | 204 |\n") == {
        "GET /auth/me",
        "PATCH /auth/me",
        "DELETE /auth/keys/{key_id}",
    }

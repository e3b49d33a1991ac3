"""API keys by forms: made for what was ticked, shown once, rotated, revoked."""

import re

import httpx2

from mainstay.testing import Backend
from tests.rooms.identity.pages.flows.test_second_factors import add_app, code_of
from tests.rooms.identity.pages.visitor import PASSWORD, Visitor, alert, errors

READS = {"scope__profile:read": "on"}


def secret_in(page: httpx2.Response) -> str:
    found = re.search(r"<code>(msk_[0-9A-Za-z]{49})</code>", page.text)
    assert found is not None, alert(page)
    return found[1]


def key_in(page: httpx2.Response) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def opens(visitor: Visitor, secret: str, path: str = "/auth/me/profile") -> int:
    found = visitor.backend.client.get(path, headers={"authorization": f"Bearer {secret}"})
    return found.status_code


def test_a_key_opens_what_was_ticked_and_is_shown_once(visitor: Visitor) -> None:
    visitor.enter()
    assert "You have no API keys." in visitor.visit("/account/keys").text
    made = visitor.send("/account/keys/new", name="Nightly <b>export</b>", days="30", **READS)
    assert made.status_code == 200
    assert made.headers["cache-control"] == "no-store"
    secret = secret_in(made)
    assert opens(visitor, secret) == 200
    assert opens(visitor, secret, "/auth/keys") == 403, "what was not ticked stays shut"
    listed = visitor.visit("/account/keys").text
    assert secret not in listed
    assert secret[:10] in listed
    assert "Nightly &lt;b&gt;export&lt;/b&gt;" in listed
    assert "expires" in listed


def test_a_key_is_rotated_and_revoked_by_its_owner_alone(visitor: Visitor, backend: Backend) -> None:
    visitor.enter()
    first = secret_in(visitor.send("/account/keys/new", name="x", days="never", **READS))
    key = key_in(visitor.visit("/account/keys"))
    stranger = Visitor(backend, f"other-{visitor.email}")
    stranger.enter()
    secret_in(stranger.send("/account/keys/new", name="y", days="never", **READS))
    for deed in ("rotate", "revoke"):
        assert stranger.send(f"/account/keys/{deed}", page="/account/keys", key=key).status_code == 404
    rotated = visitor.send("/account/keys/rotate", page="/account/keys", key=key)
    second = secret_in(rotated)
    assert "another 60 minutes" in rotated.text
    assert (opens(visitor, first), opens(visitor, second)) == (200, 200)
    answer = visitor.send("/account/keys/revoke", page="/account/keys", key=key)
    assert answer.headers["location"] == "/account/keys?done=key_revoked"
    assert (opens(visitor, first), opens(visitor, second)) == (401, 401)


def test_what_is_wrong_with_a_new_key_is_said_beside_it(visitor: Visitor) -> None:
    visitor.enter()
    nothing = visitor.send("/account/keys/new", name="", days="30")
    assert nothing.status_code == 422
    assert errors(nothing)["name"] == "This field is required."
    assert "Allow at least one thing." in nothing.text
    more = visitor.send("/account/keys/new", name="x", days="30", **READS, **{"scope__admin:write": "on"})
    assert more.status_code == 403, "nobody gives more than they have"
    assert 'name="scope.profile:read" value="on" checked' in more.text
    assert "admin:write" not in visitor.visit("/account/keys/new").text
    assert "You have no API keys." in visitor.visit("/account/keys").text


def test_making_and_rotating_ask_for_a_proof_of_lately_where_there_is_a_second_factor(
    visitor: Visitor, backend: Backend
) -> None:
    visitor.enter()
    visitor.send("/account/keys/new", name="x", days="never", **READS)
    key = key_in(visitor.visit("/account/keys"))
    secret, _ = add_app(visitor)
    backend.clock.advance(minutes=11)
    assert (
        visitor.visit("/account/keys/new").headers["location"] == "/account/step-up?return_to=%2Faccount%2Fkeys%2Fnew"
    )
    sent = visitor.send("/account/keys/new", page="/account/keys", name="y", days="never", **READS)
    assert sent.headers["location"] == "/account/step-up?return_to=%2Faccount%2Fkeys%2Fnew"
    rotated = visitor.send("/account/keys/rotate", page="/account/keys", key=key)
    assert rotated.headers["location"] == "/account/step-up?return_to=%2Faccount%2Fkeys"
    code = code_of(backend, secret)
    answer = visitor.send("/account/step-up", code=code, return_to="/account/keys/new")
    assert answer.headers["location"] == "/account/keys/new"
    assert visitor.visit("/account/keys/new").status_code == 200
    secret_in(visitor.send("/account/keys/rotate", page="/account/keys", key=key))
    assert PASSWORD not in rotated.text

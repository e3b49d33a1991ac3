"""Pictures, the app's own fields, preferences, connected accounts and passkeys' names, by forms."""

import re
import struct
import zlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from mainstay.testing import Backend
from tests.rooms.identity.factors.soft_key import SoftKey
from tests.rooms.identity.federation.hostile import HostileIssuer
from tests.rooms.identity.pages.visitor import OTHER, PASSWORD, Visitor, alert, errors


def png(width: int = 2, height: int = 2, *, more: bytes = b"") -> bytes:
    """A real picture, as large as told; `more` goes into a chunk that draws nothing."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\xc8\x64\x32" * width for _ in range(height)))
    told = chunk(b"tEXt", more) if more else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + told + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def shown(visitor: Visitor, page: str = "/account") -> str | None:
    found = re.search(r'<img class="picture[^"]*" src="([^"]+)"', visitor.visit(page).text)
    return found[1] if found else None


def test_a_picture_is_shown_changed_and_removed(visitor: Visitor) -> None:
    visitor.enter()
    assert shown(visitor) is None
    secret = b"Comment\0taken at home"
    answer = visitor.upload("/account/picture", png(more=secret))
    assert answer.headers["location"] == "/account/picture?done=picture"
    first = shown(visitor)
    assert first is not None
    kept = visitor.visit(first)
    assert kept.headers["content-type"] == "image/png"
    assert b"taken at home" not in kept.content
    assert visitor.upload("/account/picture", png(3, 3)).status_code == 303
    assert shown(visitor) not in (first, None)
    answer = visitor.send("/account/picture/remove", page="/account/picture")
    assert answer.headers["location"] == "/account/picture?done=picture_removed"
    assert shown(visitor) is None


@pytest.mark.parametrize(
    ("file", "status", "said"),
    [
        (b"<svg onload=alert(1)>", 422, "cannot be used"),
        (b"", 422, "Choose a picture first"),
        (png(3000, 1), 422, "2048"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 270_000, 413, "too large"),
        (b"x" * 1_500_000, 413, "too large"),
    ],
    ids=["svg", "none", "wide", "heavy", "heavier"],
)
def test_what_is_no_picture_is_refused_in_words(visitor: Visitor, file: bytes, status: int, said: str) -> None:
    visitor.enter()
    page = visitor.upload("/account/picture", file)
    assert page.status_code == status
    assert said in alert(page)
    assert shown(visitor) is None


def test_a_picture_needs_the_forms_token_and_comes_as_a_file(visitor: Visitor, backend: Backend) -> None:
    visitor.enter()
    for data in ({}, {"csrf_token": "x" * 43}, {"csrf_token": Visitor(backend).token("/account/sign-in")}):
        files = {"picture": ("me.png", png(), "image/png")}
        assert visitor.client.post("/account/picture", data=data, files=files).status_code == 403
    token = visitor.token("/account/picture")
    assert visitor.client.post("/account/picture", data={"csrf_token": token}).status_code == 415
    broken = {"content-type": "multipart/form-data; boundary=x"}
    assert visitor.client.post("/account/picture", content=b"--x\r\nno", headers=broken).status_code in (400, 403)
    two = [("picture", ("a", png())), ("picture", ("b", png()))]
    assert visitor.client.post("/account/picture", data={"csrf_token": token}, files=two).status_code == 400
    assert shown(visitor) is None


def profile(visitor: Visitor) -> dict[str, Any]:
    identity = visitor.backend.app.rooms.identity
    user = visitor.backend.run(identity.find_user, visitor.email)
    assert user is not None
    found: dict[str, Any] = visitor.backend.run(identity.profiles.get, user.id)
    return found


def test_fields_of_every_kind_are_filled_in_emptied_and_refused_in_words(visitor: Visitor) -> None:
    visitor.enter()
    sent = {
        "profile__company": "Engines",
        "profile__born": "1815-12-10",
        "profile__seen": "2026-01-31T12:30",
        "profile__size": "large",
        "profile__floor": "3",
        "profile__about": "One.\r\nTwo.",
        "profile__tags": "tea\r\n\r\n books ",
    }
    assert visitor.send("/account", **sent).status_code == 303
    kept = profile(visitor)
    assert kept["about"] == "One.\nTwo."
    assert (kept["born"], kept["size"], kept["floor"], kept["tags"]) == ("1815-12-10", "large", 3, ["tea", "books"])
    assert kept["seen"].startswith("2026-01-31T12:30:00")
    page = visitor.visit("/account").text
    for filled in ('value="2026-01-31T12:30:00"', '<option value="large" selected>', ">\nOne.\nTwo.</textarea>"):
        assert filled in page
    refused = visitor.send("/account", profile__floor="40", profile__size="huge", profile__company="x" * 41)
    assert refused.status_code == 422
    assert errors(refused) == {"profile-floor": "At most 30.", "profile-size": "Choose one of the options.",
                               "profile-company": "At most 40 characters."}  # fmt: skip
    assert visitor.send("/account").status_code == 303
    emptied = profile(visitor)
    assert (emptied["company"], emptied["born"], emptied["seen"], emptied["tags"]) == ("", None, None, None)


def test_preferences_are_chosen_and_go_back_to_the_default(visitor: Visitor) -> None:
    visitor.enter()
    page = visitor.visit("/account/preferences").text
    assert '<option value="daily" selected>' in page
    assert "preference.columns" not in page, "a list of objects is for programs"
    sent = {"preference__digest": "weekly", "preference__compact": "on", "preference__page_size": "50"}
    answer = visitor.send("/account/preferences", **sent)
    assert answer.headers["location"] == "/account/preferences?done=preferences"
    identity = visitor.backend.app.rooms.identity
    user = visitor.backend.run(identity.find_user, visitor.email)
    assert user is not None

    def kept() -> dict[str, Any]:
        found: dict[str, Any] = visitor.backend.run(identity.profiles.preferences, user.id)
        return {name: found[name] for name in ("digest", "compact", "page_size")}

    assert kept() == {"digest": "weekly", "compact": True, "page_size": 50}
    wrong = visitor.send("/account/preferences", preference__page_size="many", preference__digest="hourly")
    assert wrong.status_code == 422
    assert errors(wrong) == {
        "preference-page_size": "Write a whole number.",
        "preference-digest": "Choose one of the options.",
    }
    assert 'value="many"' in wrong.text
    assert visitor.send("/account/preferences").status_code == 303
    assert kept() == {"digest": "daily", "compact": False, "page_size": 20}


def said(visitor: Visitor, issuer: HostileIssuer, **claims: Any) -> None:
    """What the provider says next, by the app's clock."""
    now = int(visitor.backend.clock.now().timestamp())
    issuer.token = lambda form: issuer.tokens(iat=now, exp=now + 300, **claims)


def linked_as(visitor: Visitor, issuer: HostileIssuer, subject: str, page: httpx2.Response) -> httpx2.Response:
    """The provider sends the browser back, as this account there."""
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    assert found is not None, alert(page)
    asked = {name: each[0] for name, each in parse_qs(urlsplit(found[1].replace("&amp;", "&")).query).items()}
    assert asked["redirect_uri"] == "http://127.0.0.1:8000/auth/federation/acme/callback"
    issuer.nonce = asked["nonce"]
    said(visitor, issuer, sub=subject, email=f"{subject}@acme.example")
    query = f"code=right&state={asked['state']}&iss={issuer.url}"
    return visitor.visit(f"/auth/federation/acme/callback?{query}")


def link(visitor: Visitor, issuer: HostileIssuer, subject: str) -> httpx2.Response:
    page = visitor.send("/account/connections/link", page="/account/connections", provider="acme")
    assert page.status_code == 200, alert(page)
    assert "Continue to Acme" in page.text
    back = linked_as(visitor, issuer, subject, page)
    return visitor.visit(back.headers["location"])


def identity_in(page: httpx2.Response) -> str:
    found = re.search(r'name="identity" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def test_an_account_elsewhere_is_connected_signs_in_and_is_let_go(
    visitor: Visitor, backend: Backend, issuer: HostileIssuer
) -> None:
    visitor.enter()
    assert "No account is connected yet." in visitor.visit("/account/connections").text
    subject = visitor.email.partition("@")[0]
    page = link(visitor, issuer, subject)
    assert "The account is connected." in page.text
    assert f"{subject}@acme.example" in page.text
    other = Visitor(backend, f"other-{visitor.email}")
    other.enter()
    taken = link(other, issuer, subject)
    assert alert(taken) == "That account is connected to somebody else here."
    assert "No account is connected yet." in taken.text
    stolen = other.send("/account/connections/remove", page="/account/connections", identity=identity_in(page))
    assert stolen.status_code == 404
    answer = visitor.send("/account/connections/remove", page="/account/connections", identity=identity_in(page))
    assert answer.headers["location"] == "/account/connections?done=unlinked"
    assert "No account is connected yet." in visitor.visit("/account/connections").text


def test_connecting_and_letting_go_ask_for_a_proof_of_lately_and_come_back(
    visitor: Visitor, backend: Backend, issuer: HostileIssuer
) -> None:
    visitor.enter()
    page = link(visitor, issuer, visitor.email.partition("@")[0])
    backend.clock.advance(minutes=11)
    for path, fields in (("link", {"provider": "acme"}), ("remove", {"identity": identity_in(page)})):
        answer = visitor.send(f"/account/connections/{path}", page="/account/connections", **fields)
        assert answer.headers["location"] == "/account/step-up?return_to=%2Faccount%2Fconnections"
    answer = visitor.send("/account/step-up", password=PASSWORD, return_to="/account/connections")
    assert answer.headers["location"] == "/account/connections"
    answer = visitor.send("/account/connections/remove", page="/account/connections", identity=identity_in(page))
    assert answer.headers["location"] == "/account/connections?done=unlinked"


def test_who_came_from_elsewhere_has_no_password_to_show_and_is_led_to_another_way(
    visitor: Visitor, backend: Backend, issuer: HostileIssuer
) -> None:
    start = visitor.visit("/auth/federation/acme/start?return_to=/account")
    asked = {name: each[0] for name, each in parse_qs(urlsplit(start.headers["location"]).query).items()}
    issuer.nonce = asked["nonce"]
    said(visitor, issuer, sub=visitor.email, email=visitor.email)
    visitor.visit(f"/auth/federation/acme/callback?code=right&state={asked['state']}&iss={issuer.url}")
    page = visitor.visit("/account")
    assert "None yet" in page.text
    connections = visitor.visit("/account/connections")
    only = visitor.send("/account/connections/remove", page="/account/connections", identity=identity_in(connections))
    assert only.status_code == 409
    assert alert(only).startswith("This is the only way into your account.")
    for name in ("password", "email", "delete"):
        page = visitor.visit(f"/account/{name}")
        assert "Your account has no password yet" in page.text, name
        assert "/account/forgot-password" in page.text
    backend.clock.advance(minutes=11)
    answer = visitor.send("/account/connections/link", page="/account/connections", provider="acme")
    step_up = visitor.visit(answer.headers["location"]).text
    assert 'type="password"' not in step_up
    assert "/auth/federation/acme/start?return_to=%2Faccount%2Fconnections" in step_up
    assert "/account/sign-in/letter?return_to=%2Faccount%2Fconnections" in step_up
    # The way that every password is reset by sets the first one, too.
    assert f'value="{visitor.email}"' in visitor.visit("/account/forgot-password").text
    visitor.send("/account/forgot-password", email=visitor.email)
    visitor.follow_letter(visitor.email)
    assert visitor.send("/account/reset-password", password=OTHER).status_code == 303
    assert visitor.sign_in(password=OTHER).headers["location"] == "/account"


def add_passkey(visitor: Visitor, name: str) -> str:
    """As the page's script does it; answers its id."""
    headers = {"x-csrf-token": visitor.token("/account/factors")}
    begun = visitor.client.post("/auth/factors/passkeys/options", headers=headers).json()
    made = SoftKey(origin="http://localhost:8000", rp_id="localhost").make(begun["options"])
    sent = {"ticket": begun["ticket"], "name": name, "credential": made}
    added = visitor.client.post("/auth/factors/passkeys", json=sent, headers=headers)
    assert added.status_code == 201, added.text
    return str(added.json()["id"])


def test_a_passkey_is_called_something_else_by_its_owner_alone(visitor: Visitor, backend: Backend) -> None:
    visitor.enter()
    passkey = add_passkey(visitor, "Old name")
    sent = {"page": "/account/factors", "passkey": passkey}
    refused = visitor.send("/account/factors/passkey/rename", name="   ", **sent)
    assert refused.status_code == 422
    assert "Old name" in refused.text
    stranger = Visitor(backend, f"other-{visitor.email}")
    stranger.enter()
    assert stranger.send("/account/factors/passkey/rename", name="Mine", **sent).status_code == 404
    answer = visitor.send("/account/factors/passkey/rename", name="<b>Blue</b> key", **sent)
    assert answer.headers["location"] == "/account/factors?done=passkey_renamed"
    page = visitor.visit("/account/factors").text
    assert "<h3>&lt;b&gt;Blue&lt;/b&gt; key</h3>" in page
    assert "Old name" not in page

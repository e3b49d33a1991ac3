"""Attacks on the pages: forged forms, doors that lead elsewhere, markup in names, frames, lists of accounts."""

import re
from typing import Any

import pytest

from mainstay.testing import Backend
from tests.rooms.identity.pages.visitor import OTHER, PASSWORD, Visitor, alert

ADA = "ada@example.com"
SOME = "0190f6a2-7c1e-7000-8000-3f2b8c0d9e11"
FORMS = {
    "/account": {"display_name": "Mallory"},
    "/account/password": {"current_password": PASSWORD, "new_password": OTHER},
    "/account/email": {"email": "mallory@example.com", "password": PASSWORD},
    "/account/delete": {"password": PASSWORD},
    "/account/sessions/end-all": {},
    "/account/export": {},
    "/account/sign-out": {},
    "/account/factors/app": {},
    "/account/factors/codes": {},
    "/account/factors/passkey/rename": {"passkey": SOME, "name": "Mallory's"},
    "/account/preferences": {"preference.digest": "never"},
    "/account/picture/remove": {},
    "/account/connections/link": {"provider": "acme"},
    "/account/connections/remove": {"identity": SOME},
    "/account/keys/new": {"name": "Mallory's", "days": "never", "scope.profile:read": "on"},
    "/account/keys/rotate": {"key": SOME},
    "/account/keys/revoke": {"key": SOME},
    "/account/step-up": {"password": PASSWORD},
}
STRANGERS = {
    "/account/sign-in": {"email": ADA, "password": PASSWORD},
    "/account/sign-up": {"email": "eve@example.com", "password": PASSWORD},
    "/account/forgot-password": {"email": ADA},
    "/account/verify-email": {},
    "/account/reset-password": {"password": OTHER},
    "/account/sign-in/letter": {"email": ADA},
    "/account/sign-in/code": {"code": "123456"},
    "/account/magic-link": {},
    "/account/second-factor": {"code": "123456"},
}
ELSEWHERE = (
    "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
    "///evil.example",
    "http:evil.example", "javascript:alert(1)", "/%0d%0aSet-Cookie:x=1\r\nx:y", " //evil.example",
    "https:/\\evil.example",
    "data:text/html,x", "/\u2215evil.example", "evil.example", "/x\nLocation: //evil.example", "@evil.example",
)  # fmt: skip
MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}'


@pytest.fixture
def ada(visitor: Visitor) -> Visitor:
    visitor.sign_up()
    visitor.sign_in()
    return visitor


def test_a_form_without_the_sessions_token_does_nothing(ada: Visitor, backend: Backend) -> None:
    stranger = Visitor(backend)
    tokens = ("", "x" * 43, stranger.token("/account/sign-in"), ada.token("/account/verify-email/resend"))
    before = ada.visit("/account").text
    for path, fields in FORMS.items():
        for token in tokens:
            answer = ada.client.post(path, data={**fields, "csrf_token": token})
            assert answer.status_code == 403, path
            assert "attachment" not in answer.headers.get("content-disposition", "")
            assert "msk_" not in answer.text
            assert not [each for each in answer.headers.get_list("set-cookie") if "federation" in each]
        # The right token in the address proves nothing either.
        answer = ada.client.post(f"{path}?csrf_token={ada.token('/account')}", data=fields or {"x": ""})
        assert answer.status_code == 403, path
    after = ada.visit("/account").text
    assert re.sub(r"nonce[-=]\S+", "", after) == re.sub(r"nonce[-=]\S+", "", before)


def test_the_right_token_from_another_sites_page_does_nothing(ada: Visitor) -> None:
    foreign = (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    )
    for path, fields in FORMS.items():
        data = {**fields, "csrf_token": ada.token("/account")}
        for headers in foreign:
            assert ada.client.post(path, data=data, headers=headers).status_code == 403, path


def test_nobody_signs_a_visitor_in_or_up_from_elsewhere(visitor: Visitor, backend: Backend) -> None:
    visitor.sign_up()
    token = Visitor(backend).token("/account/sign-in")
    # Without a page of ours having been shown, with the token of another browser, and from another site.
    for path, fields in STRANGERS.items():
        victim = Visitor(backend)
        assert victim.client.post(path, data={**fields, "csrf_token": token}).status_code == 403, path
        own = victim.token("/account/sign-in")
        assert victim.client.post(path, data={**fields, "csrf_token": token}).status_code == 403, path
        data = {**fields, "csrf_token": own}
        answer = victim.client.post(path, data=data, headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403, path
        assert not [each for each in answer.headers.get_list("set-cookie") if each.startswith("mainstay=")]


def test_a_bearer_token_opens_no_page_and_a_cookie_of_another_session_no_form(ada: Visitor, backend: Backend) -> None:
    signed_in = backend.client.post("/auth/sign-in", json={"email": ADA, "password": PASSWORD}).json()
    headers = {"authorization": f"Bearer {signed_in['access_token']}"}
    assert Visitor(backend, **headers).visit("/account").status_code == 303
    other = Visitor(backend)
    other.sign_in()
    answer = ada.client.post("/account", data={"display_name": "x", "csrf_token": other.token("/account")})
    assert answer.status_code == 403


def test_nobody_is_led_to_another_site(ada: Visitor, backend: Backend) -> None:
    for place in ELSEWHERE:
        assert Visitor(backend).sign_in(return_to=place).headers["location"] == "/account", place
        answer = ada.visit("/account/sign-in", params={"return_to": place})
        assert answer.headers["location"] == "/account", place
        page = Visitor(backend).visit("/account/sign-in", params={"return_to": place})
        assert "evil.example" not in page.text
        assert "alert(1)" not in page.text


def test_markup_in_what_people_call_themselves_is_text(visitor: Visitor, backend: Backend) -> None:
    refused = visitor.send("/account/sign-up", email=MARKUP, password="short", display_name=MARKUP, return_to=MARKUP)
    visitor.sign_up()
    visitor.sign_in()
    saved = visitor.send("/account", display_name=MARKUP, username="", language="", profile__company=MARKUP[:40])
    assert saved.status_code == 303
    curious = Visitor(backend, **{"user-agent": MARKUP})
    curious.sign_in()
    told = visitor.visit(f"/account/sign-in?error={MARKUP}&done={MARKUP}")
    for page in (refused, visitor.visit("/account"), visitor.visit("/account/sessions"), told):
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
    assert "49" not in re.findall(r'id="field-display_name"[^>]*value="([^"]*)"', visitor.visit("/account").text)


def test_every_page_refuses_frames_caches_and_scripts_of_others(ada: Visitor, backend: Backend) -> None:
    own = ("", "/sessions", "/factors", "/password", "/picture", "/preferences", "/connections", "/keys", "/keys/new")
    pages = [ada.visit(f"/account{path}") for path in own]
    pages.append(ada.send("/account/keys/new", name="x", days="30", **{"scope.profile:read": "on"}))
    assert "msk_" in pages[-1].text
    pages += [Visitor(backend).visit(path) for path in STRANGERS]
    pages.append(ada.client.post("/account", data={}))
    nonces = set()
    for page in pages:
        policy = dict(part.strip().partition(" ")[::2] for part in page.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["form-action"] == "'self'"
        assert policy["base-uri"] == "'none'"
        assert "unsafe" not in page.headers["content-security-policy"]
        nonces.add(policy["script-src"])
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
        assert not re.search(r"\son\w+=|style=|javascript:", page.text)
    assert len(nonces) == len(pages), "each answer has a nonce of its own"


def test_pages_do_not_tell_who_has_an_account(visitor: Visitor, backend: Backend) -> None:
    visitor.sign_up()
    # Letters are counted by address, whoever has it: both begin with one.
    Visitor(backend).send("/account/sign-up", email="nobody@example.com", password=PASSWORD)

    def told(path: str, **fields: str) -> tuple[Any, ...]:
        stranger = Visitor(backend)
        answer = stranger.send(path, **fields)
        text = re.sub(r"nonce[-=]\S+|value=\"[^\"]*\"", "", answer.text)
        cookies = sorted(each.partition("=")[0] for each in answer.headers.get_list("set-cookie"))
        return answer.status_code, answer.headers.get("location"), text, cookies

    for path, fields in (
        ("/account/sign-in", {"password": "wrong password here"}),
        ("/account/sign-up", {"password": PASSWORD}),
        ("/account/forgot-password", {}),
        ("/account/verify-email/resend", {}),
        ("/account/sign-in/letter", {}),
    ):
        known, unknown = (told(path, email=email, **fields) for email in (ADA, "nobody@example.com"))
        assert known == unknown, path


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"email": "ada@example.com"}', "application/json"),
        ("csrf_token=a&csrf_token=b", "application/x-www-form-urlencoded"),
        ("&".join(f"f{n}=x" for n in range(200)), "application/x-www-form-urlencoded"),
        ("email=%ff%fe", "application/x-www-form-urlencoded"),
        ("email=é", "application/x-www-form-urlencoded"),
        ("--x\r\n\r\n--x--", "multipart/form-data; boundary=x"),
        ("", ""),
    ],
)
def test_what_no_form_of_ours_sends_is_refused(visitor: Visitor, body: str, kind: str) -> None:
    answer = visitor.client.post("/account/sign-in", content=body.encode(), headers={"content-type": kind})
    assert answer.status_code in (400, 403, 415)
    assert alert(answer)


def test_a_letters_token_is_good_for_its_own_purpose_alone(visitor: Visitor, backend: Backend) -> None:
    visitor.sign_up()
    visitor.send("/account/forgot-password", email=ADA)
    link = backend.mailbox.last(ADA).link
    assert link is not None
    token = link.partition("token=")[2]
    for purpose in ("verify-email", "confirm-email"):
        visitor.visit(f"/auth/{purpose}?token={token}")
        assert visitor.send(f"/account/{purpose}").status_code == 403
    answer = visitor.visit("/auth/reset-password?token=%0d%0aSet-Cookie:x%3d1")
    assert "set-cookie" not in answer.headers


def test_what_no_page_offers_is_refused(ada: Visitor) -> None:
    sent = {"name": "x", "scope.profile:read": "on"}
    for days in ("", "36500", "-1", "30.5", "NEVER"):
        assert ada.send("/account/keys/new", days=days, **sent).status_code == 422, "no key lasts for ever by mistake"
    assert "You have no API keys." in ada.visit("/account/keys").text
    for path, field in (("keys/rotate", "key"), ("keys/revoke", "key"), ("connections/remove", "identity")):
        page = f"/account/{path.partition('/')[0]}"
        for value in ("", "1", "' OR 1=1 --", SOME):
            assert ada.send(f"/account/{path}", page=page, **{field: value}).status_code == 404
    for provider in ("", "nobody", "../acme", "acme\r\nx: y"):
        answer = ada.send("/account/connections/link", page="/account/connections", provider=provider)
        assert answer.status_code == 404
        assert "http-equiv" not in answer.text
    assert ada.send("/account/preferences", **{"preference.columns": "x", "preference.admin": "on"}).status_code == 303

"""Second factors by forms: added, asked for at sign-in, proved again, taken away."""

import re
from html import unescape

import pyotp

from mainstay import Mainstay
from mainstay.testing import Backend
from tests.rooms.identity.pages.conftest import CHEAP
from tests.rooms.identity.pages.visitor import PASSWORD, Visitor, alert, errors


def add_app(visitor: Visitor) -> tuple[str, list[str]]:
    """The app's secret, and the recovery codes."""
    shown = visitor.send("/account/factors/app", page="/account/factors")
    assert shown.status_code == 200, shown.text
    found = re.search(r"<code>([A-Z2-7]{32})</code>", shown.text)
    assert found is not None
    assert 'src="data:image/svg+xml' in shown.text
    done = visitor.send("/account/factors/app/confirm", code=code_of(visitor.backend, found[1]))
    assert done.status_code == 200, alert(done)
    return found[1], [unescape(each) for each in re.findall(r"<li><code>([^<]+)</code></li>", done.text)]


def code_of(backend: Backend, secret: str) -> str:
    return pyotp.TOTP(secret).at(backend.clock.now())


def test_an_app_is_added_and_asked_for_and_its_codes_are_good_once(visitor: Visitor, backend: Backend) -> None:
    visitor.sign_up()
    visitor.sign_in()
    secret, codes = add_app(visitor)
    assert len(codes) == 10
    other = Visitor(backend, visitor.email)
    answer = other.sign_in(return_to="/account/sessions")
    assert answer.headers["location"] == "/account/second-factor?return_to=%2Faccount%2Fsessions"
    assert other.visit("/account").status_code == 303, "half signed in is not signed in"
    wrong = other.send("/account/second-factor", code="000000")
    assert wrong.status_code == 403
    assert errors(wrong) == {"code": "This code is wrong, or has been used before."}
    again = other.send("/account/second-factor", code="no code at all")
    assert "neither a code from an app" in errors(again)["code"]
    used = other.send("/account/second-factor", code=code_of(backend, secret))
    assert used.status_code == 403, "the code that added the app was used then"
    backend.clock.advance(seconds=31)
    answer = other.send("/account/second-factor", code=code_of(backend, secret), return_to="/account/sessions")
    assert answer.headers["location"] == "/account/sessions"
    assert other.visit("/account").status_code == 200


def test_a_recovery_code_stands_in_once(visitor: Visitor, backend: Backend) -> None:
    visitor.sign_up()
    visitor.sign_in()
    _, codes = add_app(visitor)
    for expected in (303, 403):
        other = Visitor(backend, visitor.email)
        other.sign_in()
        assert other.send("/account/second-factor", code=codes[0]).status_code == expected
    assert "Codes left: 9" in visitor.visit("/account/factors").text
    renewed = visitor.send("/account/factors/codes", page="/account/factors")
    assert len(re.findall(r"<li><code>", renewed.text)) == 10
    assert codes[1] not in renewed.text


def test_what_changes_how_one_enters_asks_for_the_factor_once_more(visitor: Visitor, backend: Backend) -> None:
    visitor.sign_up()
    visitor.sign_in()
    secret, _ = add_app(visitor)
    backend.clock.advance(minutes=11)
    for page in ("password", "email", "delete"):
        answer = visitor.visit(f"/account/{page}")
        assert answer.headers["location"] == f"/account/step-up?return_to=%2Faccount%2F{page}"
        # The form itself, without looking at its page first.
        answer = visitor.send(f"/account/{page}", page="/account", password=PASSWORD)
        assert answer.headers["location"].startswith("/account/step-up")
    answer = visitor.send("/account/factors/app/remove", page="/account/factors")
    assert answer.headers["location"] == "/account/step-up?return_to=%2Faccount%2Ffactors"
    by_password = visitor.send("/account/step-up", password=PASSWORD, return_to="/account/factors")
    assert by_password.status_code in (303, 400)
    assert visitor.visit("/account/password").status_code == 303, "a password alone proves nothing more"
    answer = visitor.send("/account/step-up", code=code_of(backend, secret), return_to="/account/factors")
    assert answer.headers["location"] == "/account/factors"
    assert visitor.visit("/account/password").status_code == 200
    assert visitor.send("/account/factors/app/remove", page="/account/factors").status_code == 303
    assert Visitor(backend, visitor.email).sign_in().headers["location"] == "/account"


def test_without_a_factor_an_old_session_asks_for_the_password(visitor: Visitor, backend: Backend) -> None:
    visitor.sign_up()
    visitor.sign_in()
    backend.clock.advance(minutes=11)
    answer = visitor.send("/account/factors/app", page="/account/factors")
    assert answer.headers["location"] == "/account/step-up?return_to=%2Faccount%2Ffactors"
    wrong = visitor.send("/account/step-up", password="not this one")
    assert alert(wrong) == "The password is wrong."
    answer = visitor.send("/account/step-up", password=PASSWORD, return_to="/account/factors")
    assert answer.headers["location"] == "/account/factors"
    add_app(visitor)


def test_a_second_step_that_was_not_begun_here_is_over(visitor: Visitor) -> None:
    assert "No sign-in is waiting" in visitor.visit("/account/second-factor").text


def test_whose_role_needs_a_factor_is_led_to_one_and_then_goes_on() -> None:
    settings = {"factors": {"required_for": ["user"]}, "passwords": CHEAP}
    with Backend(Mainstay(), settings=settings) as backend:
        visitor = Visitor(backend)
        visitor.send("/account/sign-up", email=visitor.email, password=PASSWORD)
        visitor.sign_in()
        assert visitor.visit("/account").headers["location"] == "/account/factors"
        assert visitor.visit("/account/password").headers["location"] == "/account/factors"
        assert "Your role requires a second step" in visitor.visit("/account/factors").text
        add_app(visitor)
        assert visitor.visit("/account").status_code == 200

"""Forms without scripts: what they do, what they say, and where they lead."""

from mainstay import Mainstay
from mainstay.testing import Backend
from tests.rooms.identity.pages.conftest import CHEAP
from tests.rooms.identity.pages.visitor import OTHER, PASSWORD, Visitor, alert, errors

OWN = ("", "/sessions", "/password", "/email", "/delete", "/picture", "/factors", "/connections", "/keys", "/keys/new")


def test_a_form_that_was_sent_leads_on_by_get(visitor: Visitor) -> None:
    visitor.sign_up()
    answer = visitor.sign_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert visitor.visit("/account").status_code == 200
    answer = visitor.send("/account", display_name="Ada", username="ada.l", language="en")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?done=profile")
    assert "Your profile has been saved." in visitor.visit("/account?done=profile").text


def test_what_was_wrong_is_said_beside_its_field_and_nothing_secret_is_shown_again(visitor: Visitor) -> None:
    page = visitor.send("/account/sign-up", email="ada at home", password="short", display_name="Ada")
    assert page.status_code == 422
    assert errors(page) == {
        "email": "Write an address such as ada@example.org.",
        "password": "This password is too short: at least 8 characters.",
    }
    assert 'value="ada at home"' in page.text
    assert 'value="Ada"' in page.text
    assert "short&" not in page.text
    assert 'value="short"' not in page.text
    page = visitor.send("/account/sign-up", email=visitor.email, password="password1")
    assert page.status_code in (409, 422)
    assert "password" in errors(page)


def test_a_session_lasts_as_long_as_was_wished(visitor: Visitor) -> None:
    visitor.sign_up()
    cookie = next(each for each in visitor.sign_in().headers.get_list("set-cookie") if each.startswith("mainstay="))
    assert "Max-Age" not in cookie
    assert "HttpOnly" in cookie
    visitor.client.cookies.clear()
    answer = visitor.sign_in(remember="on")
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("mainstay="))
    assert "Max-Age" in cookie


def test_a_username_signs_in_too(visitor: Visitor) -> None:
    visitor.sign_up()
    visitor.sign_in()
    visitor.send("/account", display_name="", username="ada", language="")
    visitor.client.cookies.clear()
    assert visitor.sign_in("ada").status_code == 303


def test_the_apps_own_fields_are_asked_for_and_changed(visitor: Visitor, backend: Backend) -> None:
    fields = {"profile__company": "x" * 41, "profile__newsletter": "on"}
    page = visitor.send("/account/sign-up", email=visitor.email, password=PASSWORD, **fields)
    assert page.status_code == 422
    assert "profile-company" in errors(page)
    assert 'name="profile.newsletter" value="on" checked' in page.text
    fields["profile__company"] = "Engines"
    assert visitor.send("/account/sign-up", email=visitor.email, password=PASSWORD, **fields).status_code == 303
    visitor.follow_letter(visitor.email)
    visitor.send("/account/verify-email")
    visitor.sign_in()
    user = backend.run(backend.app.rooms.identity.find_user, visitor.email)
    assert user is not None
    asked = ("company", "newsletter", "city")
    profile = backend.run(backend.app.rooms.identity.profiles.get, user.id)
    assert [profile[name] for name in asked] == ["Engines", True, None]
    visitor.send("/account", display_name="", username="", language="", profile__company="Looms", profile__city="Bath")
    profile = backend.run(backend.app.rooms.identity.profiles.get, user.id)
    assert [profile[name] for name in asked] == ["Looms", False, "Bath"]


def test_a_get_of_a_letters_link_spends_nothing_and_takes_the_token_out_of_the_address(
    visitor: Visitor, backend: Backend
) -> None:
    visitor.send("/account/sign-up", email=visitor.email, password=PASSWORD)
    scanner = Visitor(backend)
    for _ in range(3):
        answer = scanner.follow_letter(visitor.email)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account/verify-email")
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert scanner.visit(answer.headers["location"]).status_code == 200
    visitor.follow_letter(visitor.email)
    assert visitor.send("/account/verify-email").headers["location"] == "/account/sign-in?done=verified"
    refused = scanner.send("/account/verify-email")
    assert refused.status_code == 403
    assert "not valid" in alert(refused)


def test_a_password_that_is_refused_does_not_spend_the_letter(visitor: Visitor) -> None:
    visitor.sign_up()
    visitor.send("/account/forgot-password", email=visitor.email)
    visitor.follow_letter(visitor.email)
    assert visitor.send("/account/reset-password", password="password1").status_code in (409, 422)
    assert visitor.send("/account/reset-password", password=OTHER).status_code == 303
    assert visitor.send("/account/verify-email/resend", email=visitor.email).status_code == 303
    assert visitor.sign_in(password=PASSWORD).status_code == 400
    assert visitor.sign_in(password=OTHER).status_code == 303


def test_the_code_of_a_letter_signs_in(visitor: Visitor, backend: Backend) -> None:
    visitor.sign_up()
    sent = visitor.send("/account/sign-in/letter", email=visitor.email, return_to="/account/sessions")
    assert sent.headers["location"] == "/account/sign-in/code?return_to=%2Faccount%2Fsessions"
    letter = backend.mailbox.last(visitor.email)
    assert letter.kind == "magic-link"
    wrong = visitor.send("/account/sign-in/code", code="000 000 0")
    assert wrong.status_code == 403
    assert alert(wrong)
    code = next(word for word in letter.text.replace("\u00a0", "").split() if word.isdigit() and len(word) == 6)
    answer = visitor.send("/account/sign-in/code", code=code, return_to="/account/sessions")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/sessions")


def test_password_and_address_change_with_the_password_alone(visitor: Visitor, backend: Backend) -> None:
    visitor.sign_up()
    visitor.sign_in()
    wrong = visitor.send("/account/password", current_password="not this one", new_password=OTHER)
    assert (wrong.status_code, alert(wrong)) == (403, "The password is wrong.")
    answer = visitor.send("/account/password", current_password=PASSWORD, new_password=OTHER)
    assert answer.headers["location"] == "/account?done=password"
    assert visitor.send("/account/email", email=f"new-{visitor.email}", password=PASSWORD).status_code == 403
    assert visitor.send("/account/email", email=f"new-{visitor.email}", password=OTHER).status_code == 303
    visitor.follow_letter(f"new-{visitor.email}")
    assert visitor.send("/account/confirm-email").headers["location"] == "/account?done=email"
    assert f"new-{visitor.email}" in visitor.visit("/account").text
    export = visitor.send("/account/export", page="/account")
    assert export.headers["content-disposition"].startswith("attachment")
    assert f"new-{visitor.email}".encode() in export.content


def test_sign_out_here_and_everywhere(visitor: Visitor, backend: Backend) -> None:
    visitor.sign_up()
    other = Visitor(backend, visitor.email)
    visitor.sign_in()
    other.sign_in()
    assert visitor.send("/account/sign-out", page="/account").headers["location"] == "/account/sign-in?done=signed_out"
    assert visitor.visit("/account").status_code == 303
    assert other.visit("/account").status_code == 200
    visitor.sign_in()
    assert other.send("/account/sessions/end-all", page="/account/sessions").status_code == 303
    assert visitor.visit("/account").headers["location"] == "/account/sign-in?return_to=%2Faccount"


def test_after_too_many_attempts_one_waits(visitor: Visitor) -> None:
    visitor.sign_up()
    pages = [visitor.sign_in(password=f"wrong password {number}") for number in range(14)]
    assert pages[0].status_code == 400
    late = pages[-1]
    assert late.status_code == 429
    assert late.headers["retry-after"] in alert(late)


def test_an_app_without_pages_has_none() -> None:
    settings = {"pages": {"on": False}, "passwords": CHEAP}
    with Backend(Mainstay(), settings=settings) as backend:
        for path in ("/account", "/account/sign-in", "/auth/verify-email?token=mlt_x"):
            assert backend.client.get(path).status_code in (404, 405)


def test_pages_lie_where_the_settings_say_and_lead_where_they_say() -> None:
    settings = {
        "pages": {"path": "/me/area", "after": "/app", "asks": ["username"], "title": "Tea"},
        "passwords": CHEAP,
        "accounts": {"by_mail": False},
    }
    with Backend(Mainstay(), settings=settings) as backend:
        visitor = Visitor(backend)
        page = visitor.visit("/me/area/sign-in")
        assert "Sign in to Tea" in page.text
        assert "sign-in link" not in page.text
        assert visitor.visit("/me/area/sign-in/letter").status_code == 404
        assert visitor.visit("/account/sign-in").status_code == 404
        answer = visitor.send("/me/area/sign-up", email=visitor.email, password=PASSWORD, username="ada")
        # Where addresses are not confirmed first the account is there already.
        assert answer.headers["location"] == "/me/area/sign-in?done=signed_up"
        answer = visitor.send("/me/area/sign-in", email="ada", password=PASSWORD)
        assert answer.headers["location"] == "/app"


def test_without_sign_up_there_is_no_page_for_it() -> None:
    with Backend(Mainstay(), settings={"sign_up": False}) as backend:
        visitor = Visitor(backend)
        assert visitor.visit("/account/sign-up").status_code == 404
        assert "Create an account" not in visitor.visit("/account/sign-in").text


def test_whoever_is_not_signed_in_is_sent_to_sign_in_and_back(visitor: Visitor) -> None:
    for page in OWN:
        answer = visitor.visit(f"/account{page}")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/account/sign-in?return_to=%2Faccount")

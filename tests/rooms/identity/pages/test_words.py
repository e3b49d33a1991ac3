"""The pages' words: all of them in the catalogue, in every language, and none beside it."""

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment

from mainstay.base.errors import FieldError, Forbidden, Invalid
from mainstay.identity.pages.refusal import Refusal
from mainstay.testing import Backend
from mainstay.web.pages import Theme, ThemedPages
from tests.rooms.identity.pages.conftest import CHEAP, app
from tests.rooms.identity.pages.flows.test_second_factors import add_app
from tests.rooms.identity.pages.visitor import PASSWORD, Visitor, errors

PAGES = Path("src/mainstay/identity/pages")
TEMPLATES = PAGES / "templates"
LANGUAGES = sorted(path.name.split(".")[1] for path in TEMPLATES.glob("words.*.toml"))
HOLE = re.compile(r"\{(\w+)\}")
SAID = ("alt", "aria-label", "title", "placeholder", "data-words")
# Refusals that no page meets: of administrators, of programs, of what only the JSON routes take.
ELSEWHERE = {
    "above_you", "cursor_refused", "import", "issuer_away", "key_retired", "method_not_allowed", "name_taken",
    "no_factor_offered", "no_memberships", "not_impersonating", "own_account", "precondition_failed",
    "precondition_required", "reason", "refused", "seal_unknown", "shared_account", "subject_linked",
    "subject_malformed", "unknown_parameter", "unknown_role",
}  # fmt: skip
# In the app's words, not ours; and what every language writes alike.
APP = (
    "Tea & Books|Company|Newsletter|City|Born|Seen|Size|Floor|About|Tags|small|large|never|daily|weekly|Digest|Compact"
)
DATA = re.compile(
    rf"{APP}|Page Size|A key|ada@example\.com|new@example\.com|Firefox|Linux|UTC|English|Deutsch|Qaa|198\.51\.\d+\.\d+|"
    r"[\w:.]*:(?:read|write)|Authorization: Bearer|msk_\w+|[A-Z2-7]{32}|[\w-]{19}"
)


def words(language: str) -> dict[str, str]:
    return dict(_flat(tomllib.loads((TEMPLATES / f"words.{language}.toml").read_text("utf-8"))))


def _flat(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


class Seen(HTMLParser):
    """What a page says to people, in text and in attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._within: list[str] = []
        self._hidden = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden = ("aria-hidden", "true") in attrs
        self.said += [value for name, value in attrs if name in SAID and value]
        told = dict(attrs).get("data-told") or ""
        if told.endswith('"}'):
            self.said += json.loads(told).values()
        if tag in ("script", "style"):
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False
        if tag in ("script", "style"):
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not (self._within or self._hidden) and data.strip():
            self.said.append(data.strip())


def test_every_language_says_all_that_english_does() -> None:
    assert {"de", "en"} <= set(LANGUAGES)
    english = words("en")
    for language in LANGUAGES:
        said = words(language)
        assert sorted(said) == sorted(english), language
        for key, text in said.items():
            assert text.strip() == text != "", (language, key)
            assert sorted(HOLE.findall(text)) == sorted(HOLE.findall(english[key])) or key == "dates.date", key
    german = words("de")
    alike = {text for key, text in german.items() if text == english[key] and not key.startswith("dates.")}
    assert alike <= {"Code", "Name", "Passkeys", "Problem", "System"}, "left in English"


def test_no_template_says_anything_by_itself() -> None:
    for path in sorted(TEMPLATES.glob("*.html")):
        tokens = Environment().lex(path.read_text("utf-8"))
        text = "".join(value if kind == "data" else "" for _, kind, value in tokens)
        # Attributes that stand in blocks and macros of their own.
        text = re.sub(r"\bwide\b", "", text)
        said = [re.sub(r'[\w-]+="[^"]*"|\b(required|autofocus)\b', "", each) for each in Seen(text).said]
        left = [each for each in said if re.search(r"[^\W\d_]", each) and each != "Authorization: Bearer …"]
        assert not left, f"{path.name} says {left} in no language"


def test_every_word_is_asked_for_and_is_there() -> None:
    sources = [*TEMPLATES.glob("*.html"), *PAGES.rglob("*.py"), Path("src/mainstay/web/pages/words.py")]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    asked = {key for key in re.findall(r"""(?:say|self)\(\s*["']([\w.]+)["']""", text) if "." in key[:-1]}
    assert asked <= set(words("en"))
    made = re.compile(r"(errors|done|scopes|dates|language|resend|forgot)\.")
    unused = {key for key in words("en") if key not in asked and not made.match(key)}
    assert not unused, "nobody says these"
    done = set(re.findall(r'done="(\w+)"', text))
    assert done == {key.removeprefix("done.") for key in words("en") if key.startswith("done.")}


def codes() -> set[str]:
    """Every code of a refusal that base or this room makes, for the whole and for a field."""
    found = {"last_admin", "last_operator"}
    areas = {
        "accounts",
        "authenticators",
        "columns",
        "credentials",
        "factors",
        "federation",
        "leaders",
        "pages",
        "profiles",
        "sessions",
    }
    room = Path("src/mainstay/identity")
    paths = [Path("src/mainstay/base/errors.py"), Path("src/mainstay/web/csrf.py"), Path("src/mainstay/web/cookies.py")]
    paths += [path for path in room.rglob("*.py") if path.parent == room or path.relative_to(room).parts[0] in areas]
    paths += [room / "api_keys" / f"{name}.py" for name in ("api_key", "create_key", "rotate_key")]
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                found |= set(_class_code(node))
            if isinstance(node, ast.Call):
                found |= {
                    str(k.value.value) for k in node.keywords if k.arg == "code" and isinstance(k.value, ast.Constant)
                }
                name = getattr(node.func, "id", "")
                if name == "FieldError" and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
                    found.add(str(node.args[1].value))
    return found


def _class_code(node: ast.ClassDef) -> Iterator[str]:
    for each in node.body:
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant | ast.Tuple):
            first = each.targets[0].elts[0] if isinstance(each.targets[0], ast.Tuple) else each.targets[0]
            value = each.value.elts[0] if isinstance(each.value, ast.Tuple) else each.value
            if isinstance(first, ast.Name) and first.id == "code" and isinstance(value, ast.Constant):
                yield str(value.value)


def test_every_refusal_that_a_page_meets_is_told_in_words() -> None:
    told = {key.removeprefix("errors.").rpartition(".")[2] for key in words("en") if key.startswith("errors.")}
    found = codes()
    assert {"wrong_credentials", "federation_last", "too_many_keys", "taken"} <= found
    assert not found - told - ELSEWHERE, "give them words, in every language"


def pseudo(folder: Path) -> Path:
    """A language in which every text is known by its brackets."""
    lines = ['"language.name" = "Qaa"']
    table: dict[str, Any] = tomllib.loads((TEMPLATES / "words.en.toml").read_text("utf-8"))

    def write(part: dict[str, Any], above: str) -> Iterator[str]:
        yield f"[{above}]" if above else ""
        for name, value in part.items():
            if isinstance(value, str):
                yield f'"{name}" = "⟦' + re.sub(r"[^{}]*(\{\w+\})?", r"\1", value) + 'x⟧"'
        for name, value in part.items():
            if isinstance(value, dict):
                yield from write(value, f'{above}."{name}"' if above else f'"{name}"')

    lines = list(write(table, ""))
    folder.mkdir()
    (folder / "words.qaa.toml").write_text("\n".join(lines), "utf-8")
    return folder


def stray(page: str) -> list[str]:
    """What a page says in no language."""
    found = []
    for text in Seen(page).said:
        left = text
        while (less := re.sub(r"⟦[^⟦⟧]*⟧", "", left)) != left:
            left = less
        left = DATA.sub("", left)
        if re.search(r"[^\W\d_]", re.sub(r'"\w+":', "", left)):
            found.append(f"{text!r} leaves {left!r}")
    return found


def test_nothing_is_said_on_any_page_that_is_not_in_the_language_asked_for(tmp_path: Path) -> None:
    acme = {"title": "⟦Acme⟧", "issuer": "https://acme.example", "client_id": "us", "client_secret": "0123456789abcdef"}
    settings = {
        "pages": {"templates": pseudo(tmp_path / "pages"), "asks": ["username", "display_name"]},
        "accounts": {"verified": True},
        "passwords": CHEAP,
        "federation": {"acme": acme},
        "factors": {"rp_id": "localhost", "origins": ["http://localhost:8000"]},
    }
    with Backend(app(), settings=settings) as backend:
        visitor = Visitor(backend, **{"accept-language": "qaa", "user-agent": "Firefox/130.0 Linux"})
        pages = [visitor.visit(f"/account/{name}") for name in STRANGERS]
        pages.append(visitor.send("/account/sign-up", email="no address", password="x", username="!"))
        pages.append(visitor.send("/account/sign-up", email="ada@example.com", password="password1"))
        pages += [visitor.sign_in(password="wrong"), visitor.client.post("/account/sign-in", headers=visitor.headers)]
        visitor.sign_up()
        visitor.visit("/auth/reset-password?token=mlt_x")
        pages += [visitor.visit("/account/reset-password"), visitor.send("/account/reset-password", password=PASSWORD)]
        visitor.sign_in()
        pages += [visitor.visit(f"/account{name}") for name in OWN]
        pages += [visitor.visit("/account?error=federation_last"), visitor.visit("/account?done=profile")]
        pages.append(visitor.send("/account", username="!", profile__floor="x", profile__company="x" * 50))
        pages.append(visitor.send("/account/preferences", preference__page_size="x"))
        pages.append(visitor.send("/account/sessions", session="x"))
        pages.append(visitor.upload("/account/picture", b"x"))
        pages.append(visitor.send("/account/keys/new", name="", days="30"))
        pages.append(visitor.send("/account/keys/new", name="A key", days="30", **{"scope__profile:read": "on"}))
        pages.append(visitor.visit("/account/keys"))
        pages.append(visitor.send("/account/password", current_password="wrong", new_password=PASSWORD))
        pages.append(visitor.send("/account/factors/app", page="/account/factors"))
        pages.append(visitor.send("/account/factors/app/confirm", code="000000"))
        add_app(visitor)
        pages += [visitor.visit("/account/factors"), visitor.visit("/account/step-up")]
        for _ in range(14):
            pages.append(visitor.send("/account/step-up", code="000000"))
        visitor.client.cookies.clear()
        visitor.sign_in()
        pages += [visitor.visit("/account/second-factor"), visitor.send("/account/second-factor", code="no code")]
        assert any(page.status_code == 429 for page in pages)
        for page in pages:
            assert page.status_code != 303, page.url
            assert '<html lang="qaa">' in page.text
            assert not stray(page.text), f"{page.request.method} {page.url}"


STRANGERS = (
    *("sign-in", "sign-up", "sign-in/letter", "sign-in/code", "magic-link", "check-mail", "forgot-password"),
    *("verify-email", "verify-email/resend", "confirm-email", "reset-password", "deleted", "second-factor"),
)
OWN = (
    *("", "/sessions", "/password", "/email", "/delete", "/factors", "/step-up", "/picture", "/preferences"),
    *("/connections", "/keys", "/keys/new", "/factors/app/confirm"),
)


def test_pages_and_their_refusals_are_in_german_for_whom_german_is_best(tmp_path: Path) -> None:
    with Backend(app(), settings={"accounts": {"verified": True}, "passwords": CHEAP}) as backend:
        visitor = Visitor(backend, **{"accept-language": "fr;q=0.9, de-AT, en;q=0.5"})
        page = visitor.visit("/account/sign-in")
        assert '<html lang="de">' in page.text
        assert page.headers["content-language"] == "de"
        assert "Passwort vergessen?" in page.text
        wrong = visitor.send("/account/sign-up", email="ada", password="kurz")
        assert errors(wrong)["password"] == "Dieses Passwort ist zu kurz: mindestens 8 Zeichen."
        visitor.enter()
        # They signed up in German, so that is what their letters and pages are in, whatever this browser asks for.
        english = Visitor(backend, **{"accept-language": "en"})
        assert '<html lang="en">' in english.visit("/account/sign-in").text
        english.sign_in()
        assert '<html lang="de">' in english.visit("/account").text
        english.send("/account", language="en")
        assert '<html lang="en">' in english.visit("/account/sessions").text
        english.send("/account", language="")
        assert '<html lang="en">' in english.visit("/account").text, "without a wish the browser's counts"
        assert re.search(r"[0-9]{1,2}\. (Januar|\w+) \d{4}", visitor.visit("/account/sessions").text)


def test_an_apps_own_refusals_are_told_in_its_words(tmp_path: Path) -> None:
    (tmp_path / "words.en.toml").write_text('[errors]\nprofile.company.rude = "Please be kind."\n')
    say = ThemedPages(TEMPLATES, Theme(folder=tmp_path)).wording(None, "en")
    rude = FieldError(("body", "profile", "company"), "rude", "This is rude.")
    odd = FieldError(("body", "profile", "city"), "odd", "No such city.")
    assert Refusal(Invalid(errors=[rude, odd]), say, {}).fields == {
        "profile.company": "Please be kind.",
        "profile.city": "No such city.",
    }
    assert Refusal(Forbidden("Members only.", code="members"), say, {}).message == "Members only."
    assert Refusal(Forbidden(code="members"), say, {}).message == "This request was refused."


@pytest.mark.parametrize("wanted", ["*", "de;q=0", "x" * 500, "de;q=1.5", "../../etc", "", "de\x00", "qq"])
def test_an_odd_wish_is_answered_in_the_apps_language(wanted: str) -> None:
    pages = ThemedPages(TEMPLATES, Theme(language="en"))
    assert pages.wording(None, wanted).language == "en"
    assert ThemedPages(TEMPLATES, Theme(language="de_CH")).wording(None, wanted).language == "de"

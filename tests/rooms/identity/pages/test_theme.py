"""Pages in an app's own colours, templates and words."""

from pathlib import Path

import pytest

from mainstay import Mainstay
from mainstay.base.errors import ConfigurationError
from mainstay.testing import Backend
from mainstay.web.pages import Theme, ThemedPages
from tests.rooms.identity.pages.visitor import Visitor

GERMAN = """
[sign_in]
title = "Bei {app} anmelden"
button = "Anmelden"

[errors]
wrong_credentials = "Adresse oder Passwort stimmt nicht."
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "page.html").write_text(
        '{% extends "ours/page.html" %}{% block foot %}<a href="/imprint">Imprint of {{ app }}</a>{% endblock %}'
    )
    (tmp_path / "theme.css").write_text(":root { --ground: #faf7f2; } </style><script>x</script>")
    (tmp_path / "words.de.toml").write_text(GERMAN)
    (tmp_path / "words.fr.toml").write_text('[sign_in]\nbutton = "Se connecter"\n')
    (tmp_path / "words.en.toml").write_text('[sign_in]\ntitle = "Welcome to {app}"\n')
    return tmp_path


def test_own_template_style_words_logo_and_colour_are_used(own: Path) -> None:
    pages = {"templates": own, "logo": "/static/logo.svg", "accent": "#ffd400", "title": "Tea"}
    with Backend(Mainstay(title="Shop"), settings={"pages": pages}) as backend:
        visitor = Visitor(backend)
        page = visitor.visit("/account/sign-in").text
        assert "<h1>Welcome to Tea</h1>" in page
        assert '<a href="/imprint">Imprint of Tea</a>' in page
        assert '<img src="/static/logo.svg" alt="Tea">' in page
        assert "--accent: #ffd400; --on-accent: #000000;" in page
        assert page.index("--ground: #f5f5f3") < page.index("--ground: #faf7f2"), "the app's style has the last word"
        assert page.count("</style>") == 1, "a style ends where the page says"
        german = Visitor(backend, **{"accept-language": "es;q=0.9, de-AT, en;q=0.5"})
        page = german.visit("/account/sign-in").text
        assert '<html lang="de">' in page
        assert "<h1>Bei Tea anmelden</h1>" in page
        assert "Passwort vergessen?" in page, "what the app leaves out is said in our German"
        french = Visitor(backend, **{"accept-language": "fr"}).visit("/account/sign-in").text
        assert '<html lang="fr">' in french
        assert "Se connecter" in french
        assert "Forgot your password?" in french, "what is not translated is said in English"
        wrong = german.sign_in("nobody@example.com", "wrong password here")
        assert "Adresse oder Passwort stimmt nicht." in wrong.text
        for odd in ("*", "de;q=0", "x" * 500, "de;q=1.5", "../../etc", ""):
            answer = Visitor(backend, **{"accept-language": odd}).visit("/account/sign-in")
            assert '<html lang="en">' in answer.text


def test_the_language_of_the_profile_goes_before_the_browsers(own: Path) -> None:
    with Backend(Mainstay(), settings={"pages": {"templates": own}, "accounts": {"verified": True}}) as backend:
        visitor = Visitor(backend)
        visitor.sign_up()
        visitor.sign_in()
        visitor.send("/account", display_name="", username="", language="de")
        assert '<html lang="de">' in visitor.visit("/account").text


@pytest.mark.parametrize("logo", ["https://evil.example/x.png", "//evil.example/x.png", "logo.png"])
def test_what_would_ask_another_host_is_refused(logo: str) -> None:
    with pytest.raises(ConfigurationError):
        Theme(logo=logo)
    with pytest.raises(ConfigurationError):
        Theme(accent="red; } body { background: url(//evil.example)")


def test_a_folder_or_file_that_cannot_be_used_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no folder"):
        Theme(folder=tmp_path / "nowhere")
    (tmp_path / "words.de.toml").write_text("not = [toml")
    with pytest.raises(ConfigurationError, match=r"words\.de\.toml"):
        ThemedPages(tmp_path, Theme())


@pytest.mark.parametrize(
    ("accent", "ink"), [("#000000", "#ffffff"), ("#ffffff", "#000000"), ("#0b5cad", "#ffffff"), ("#7cb8ff", "#000000")]
)
def test_what_stands_on_the_accent_can_be_read(tmp_path: Path, accent: str, ink: str) -> None:
    (tmp_path / "style.css").write_text("")
    (tmp_path / "words.en.toml").write_text("")
    (tmp_path / "page.html").write_text("{{ style|safe }}")
    pages = ThemedPages(tmp_path, Theme(accent=accent))
    shown = bytes(pages.render("page.html", {}, pages.wording(None, "")).body).decode()
    assert f"--on-accent: {ink}" in shown

"""Letters from templates: an app's own before ours, in the reader's language, and nothing of a value runs."""

from pathlib import Path

import pytest

from mainstay.base.errors import ConfigurationError
from mainstay.mail import MailOptions
from mainstay.mail.errors import LetterUnreadable
from mainstay.mail.render import OURS, Templates, plain_line, plain_name

ADA = "ada@example.com"
LINK = "https://shop.example/v?a=1&b=<2>"
EVERYTHING = {
    "link": LINK,
    "reset_link": "https://shop.example/r",
    "unsubscribe": "https://shop.example/u",
    "code": "123456",
    "minutes": 30,
    "file": "report.pdf",
    "title": "News",
    "text": "One.\n\nTwo.",
    "device": "Firefox on Linux",
    "address": "192.0.2.7",
    "at": "2026-11-21 19:40 UTC",
    "inviter": "Eve",
    "tenant": "Acme",
    "name": "Ada",
    "factor": "an authenticator app",
    "left": 9,
    "new_email": "new@example.com",
}
KINDS = (
    "verify-email", "reset-password", "password-changed", "email-changed", "magic-link", "sign-in-code", "new-device",
    "account-deleted", "already-registered", "welcome", "invitation", "account-made", "file-processed",
    "factor-added", "factor-removed", "recovery-code-used",
)  # fmt: skip


def of(folder: Path | None = None, **options: object) -> Templates:
    return Templates(MailOptions(app="Shop", folder=folder, **options))  # type: ignore[arg-type]  # by name


def test_every_letter_that_the_house_sends_has_text_and_html_that_say_the_same() -> None:
    templates = of()
    assert set(KINDS) <= set(templates.kinds())
    for kind in templates.kinds():
        letter = templates.render(kind, ADA, EVERYTHING)
        assert letter.html is not None
        assert letter.subject
        if LINK in letter.text:
            assert 'href="https://shop.example/v?a=1&amp;b=&lt;2&gt;"' in letter.html
        if "123456" in letter.text:
            assert ">123456<" in letter.html
        assert "{{" not in letter.text + letter.html
        assert 'lang="en"' in letter.html


def test_who_is_invited_reads_it_in_german_where_that_is_their_language() -> None:
    told = {"link": LINK, "days": 7, "inviter": "Grace"}
    for language, words in (("de-CH", "Grace hat bei Shop ein Konto"), ("fr", "Grace made an account at Shop")):
        letter = of().render("account-made", ADA, told, language)
        assert words in letter.text
        assert words in (letter.html or "")
        assert "7" in letter.text


def test_html_is_escaped_and_text_is_not() -> None:
    evil = "<script>alert(1)</script>"
    letter = of().render("file-processed", ADA, {"file": "a.pdf", "result": evil})
    assert evil in letter.text
    assert letter.html is not None
    assert "<script" not in letter.html
    assert "&lt;script&gt;" in letter.html


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://a b", "ftp://x", ""]
)
def test_a_button_leads_to_the_web_or_nowhere(link: str) -> None:
    with pytest.raises(LetterUnreadable):
        of().render("reset-password", ADA, {"link": link})


def test_what_somebody_calls_themselves_is_neither_a_link_nor_a_line_of_the_letter() -> None:
    evil = (
        "Eve\r\nBcc: x@y.z\r\n\r\nPay at https://evil.example/now or www.evil.example or evil.example \u202egnp"
        + "x" * 200
    )
    letter = of().render("invitation", ADA, {**EVERYTHING, "inviter": evil, "tenant": evil})
    for part in (letter.subject, letter.text, letter.html or ""):
        assert "evil.example" not in part
        assert "\u202e" not in part
        assert "\nBcc" not in part
    assert "\n" not in letter.subject
    assert plain_name("J.R.R. Tolkien") == "J. R. R. Tolkien"
    assert plain_line("report.2026.pdf") == "report.2026.pdf"


def test_a_value_is_never_a_template() -> None:
    letter = of().render("welcome", ADA, {"name": "{{ 7*7 }}{% if %}{{ config }}"})
    assert "{{ 7*7 }}" in letter.text


def test_an_app_takes_the_place_of_a_letter_by_a_file_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "welcome.txt").write_text("# takes: name\nSubject: Hello from {{ app }}\n\nHello {{ name }}.\n")
    templates = of(tmp_path)
    letter = templates.render("welcome", ADA, {"name": "Ada"})
    # Not our HTML beside the app's text: the two would say different things.
    assert (letter.subject, letter.text, letter.html) == ("Hello from Shop", "Hello Ada.\n", None)
    (tmp_path / "welcome.html").write_text(
        '{% extends "letter.html" %}{% block content %}<b>{{ name }}</b>{% endblock %}'
    )
    letter = of(tmp_path).render("welcome", ADA, {"name": "<Ada>"})
    assert letter.html is not None
    assert "<b>&lt;Ada&gt;</b>" in letter.html
    assert "<title>Hello from Shop</title>" in letter.html
    assert of(tmp_path).render("magic-link", ADA, EVERYTHING).html is not None


def test_one_file_gives_all_letters_another_look(tmp_path: Path) -> None:
    (tmp_path / "letter.html").write_text(
        '{% extends "mainstay/letter.html" %}{% block brand %}<img src="/logo.png">{% endblock %}'
    )
    for kind in KINDS:
        html = of(tmp_path).render(kind, ADA, EVERYTHING).html
        assert html is not None
        assert "logo.png" in html
    (tmp_path / "verify-email.html").write_text(
        '{% extends "mainstay/verify-email.html" %}{% block preview %}quick{% endblock %}'
    )
    letter = of(tmp_path).render("verify-email", ADA, EVERYTHING)
    assert letter.html is not None
    assert "quick" in letter.html
    assert "logo.png" in letter.html
    assert "123456" in letter.text


def test_a_letter_is_in_its_readers_language_or_the_nearest_there_is(tmp_path: Path) -> None:
    for name, word in (("welcome", "Hello"), ("welcome.de", "Hallo"), ("welcome.pt-br", "Oi"), ("welcome.fr", "Salut")):
        (tmp_path / f"{name}.txt").write_text(f"Subject: {word}\n\n{word}\n")
    (tmp_path / "welcome.de.html").write_text('<html lang="{{ language }}">Hallo</html>')

    def said(language: str | None, default: str = "en") -> tuple[str, str]:
        letter = of(tmp_path, language=default).render("welcome", ADA, {}, language)
        return letter.subject, letter.language

    assert said("de") == said("de-AT") == said("DE_at") == ("Hallo", "de")
    assert said("pt-BR") == ("Oi", "pt-br")
    assert said("pt") == said("xx") == said(None) == said("../../etc/passwd") == ("Hello", "en")
    assert said("ja", default="fr") == said(None, default="fr") == ("Salut", "fr")
    assert said("en", default="en") == ("Hello", "en")
    assert of(tmp_path).render("welcome", ADA, {}, "de").html == '<html lang="de">Hallo</html>'
    # Ours are English, whatever the app speaks.
    assert of(tmp_path, language="de").render("magic-link", ADA, EVERYTHING, "en").language == "en"


def test_a_template_that_cannot_be_rendered_says_which_and_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "bare.txt").write_text("Hello\n")
    (tmp_path / "broken.txt").write_text("Subject: x\n{% if %}\n")
    (tmp_path / "odd.txt").write_text("Subject: x\n{{ 1 + name }}\n")
    for kind, words in (("bare", "no subject"), ("broken", "broken"), ("odd", "odd"), ("reset-password", "'link'")):
        with pytest.raises(ConfigurationError, match=words):
            of(tmp_path).render(kind, ADA, {"name": "Ada"})
    with pytest.raises(ConfigurationError, match="no folder"):
        of(tmp_path / "none")


def test_every_html_has_its_text() -> None:
    pages = {"letter", "parts", "unsubscribe"}
    assert {path.stem for path in OURS.glob("*.html")} - pages == {path.stem for path in OURS.glob("*.txt")}

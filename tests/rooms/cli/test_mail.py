"""`mainstay mail`, and what `mainstay doctor` finds of it, with a real mail server."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mainstay.cli.serving.plan import Asked
from mainstay.cli.serving.prepare import loaded_for, planned
from tests.rooms.cli.shell import Shell
from tests.rooms.mail.server import PASSWORD, USER, PostOffice, mail_server, self_made

QUOTED = "p%40ss%2Fword%3A1"


@contextmanager
def serving(tls: str, certificate: Path) -> Iterator[PostOffice]:
    """A mail server on a thread: commands have the loop of this one."""
    assert PASSWORD == "p@ss/word:1"
    started, offices = threading.Event(), []
    loop = asyncio.new_event_loop()
    ending = asyncio.Event()

    async def serve() -> None:
        async with mail_server(tls, certificate, sign_in=True) as office:
            offices.append(office)
            started.set()
            await ending.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    started.wait(10)
    try:
        yield offices[0]
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join()
        loop.close()


@pytest.fixture
def office(shop: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostOffice]:
    """The shop writes through a mail server that wants STARTTLS and a password."""
    certificate = self_made(tmp_path)
    with serving("start", certificate) as office:
        monkeypatch.setenv("MAINSTAY_MAIL__URL", f"smtp://{USER}:{QUOTED}@127.0.0.1:{office.port}?ca={certificate}")
        monkeypatch.setenv("MAINSTAY_MAIL__SENDER", "Shop <noreply@shop.example>")
        yield office


def test_a_test_letter_is_taken_by_the_server_that_the_settings_name(shop: Shell, office: PostOffice) -> None:
    sent = shop("mail", "send-test", "--to", "ada@example.com")
    assert sent.code == 0
    assert f"127.0.0.1:{office.port} took a letter" in sent.out
    [letter] = office.received
    assert (letter["To"], letter["From"]) == ("ada@example.com", "Shop <noreply@shop.example>")
    assert office.over_tls == [True]
    office.refuse = lambda _: "550 5.1.1 nobody here"
    refused = shop("mail", "send-test", "--to", "ada@example.com", "--json")
    assert refused.code == 1
    assert "550" in refused.err


def test_doctor_asks_the_mail_server_and_says_what_it_found(
    shop: Shell, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {each["about"]: each for each in shop("doctor", "--json").json}
    assert found["mail"]["state"] == "ok"
    assert "over TLS" in found["mail"]["found"]
    monkeypatch.setenv("MAINSTAY_MAIL__URL", f"smtp://{USER}:hunter2@127.0.0.1:{office.port}")
    refused = shop("doctor", "--json")
    assert refused.code == 1
    found = {each["about"]: each for each in refused.json}
    assert found["mail"]["state"] == "fail"
    assert "certificate" in found["mail"]["found"]
    assert "hunter2" not in refused.out
    monkeypatch.delenv("MAINSTAY_MAIL__URL")
    assert "terminal" in {each["about"]: each for each in shop("doctor", "--json").json}["mail"]["found"]


def test_a_letter_is_previewed_with_the_apps_own_words(shop: Shell) -> None:
    shown = shop("mail", "preview", "verify-email", "--value", "code=771204", "--html", "letter.html")
    assert shown.code == 0
    assert "Confirm your e-mail address" in shown.out
    assert "771204" in shown.out
    assert "for Shop" in shown.out
    assert "771204" in (shop.folder / "letter.html").read_text()
    shop.write("letters/verify-email.de.txt", "Subject: Bestätigen\n\n{{ code }} für {{ app }}\n")
    german = shop("mail", "preview", "verify-email", "--language", "de", "--json").json
    assert (german["subject"], german["language"], german["html"]) == ("Bestätigen", "de", None)
    unknown = shop("mail", "preview", "no-such")
    assert unknown.code == 3
    assert "verify-email" in unknown.err
    assert shop("mail", "preview", "welcome", "--value", "name").code == 2


def test_status_says_what_waits(shop: Shell) -> None:
    assert shop("mail", "status", "--json").json == {"waiting": 0, "oldest": None, "given_up": []}
    assert "0 letters wait" in shop("mail", "status").out


def test_links_in_letters_lead_to_where_the_command_serves(shop: Shell) -> None:
    app, plan = planned(Asked(str(shop.folder / "app.py"), port=0))
    assert plan.port != 0
    assert app.mail.options.url == f"http://127.0.0.1:{plan.port}"
    # Workers that come after the first load the app from the plan.
    assert loaded_for(plan.target, plan.settings).app.settings.port == plan.port


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://mail.example", "smtp://"),
        ("smtp://", "no host"),
        ("smtp://mail.example?tls=none", "starttls=off"),
        ("smtp://mail.example:99999", "port"),
        ("smtp://u:hunter2@mail.example/inbox", "starttls=off"),
        ("smtp://u:hunter2/x@mail.example:587", "%2F"),
        ("smtp://u:hunter2#x@mail.example:587", "%2F"),
        ("smtps://u:hunter2?x@mail.example", "%2F"),
    ],
)
def test_a_url_that_names_no_mail_server_is_a_sentence(
    shop: Shell, url: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAINSTAY_MAIL__URL", url)
    refused = shop("mail", "preview", "welcome")
    assert refused.code == 3
    assert "MAINSTAY_MAIL" in refused.err
    assert words.lower() in refused.err.lower()
    assert "hunter2" not in refused.err

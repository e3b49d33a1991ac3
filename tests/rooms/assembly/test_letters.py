"""An app's rooms write letters, and its operators see what becomes of them."""

from typing import Any

import pytest

from mainstay import Mainstay
from mainstay.assembly.wiring.identity_to_mail import MailLetters
from mainstay.storage.control import ControlPlane, in_turn
from mainstay.testing import Backend
from tests.databases import Urls

ADA, STRONG = "ada@example.com", "nine blue whales on a bicycle"


@pytest.fixture
def app() -> Mainstay:
    return Mainstay(title="Shop")


def test_signing_up_writes_to_the_address_whether_or_not_it_is_known(app: Mainstay, urls: Urls) -> None:
    with Backend(app, database_url=urls.database_url, system_url=urls.system_url) as backend:
        answers = [backend.client.post("/auth/sign-up", json={"email": ADA, "password": STRONG}) for _ in range(2)]
        assert answers[0].status_code == answers[1].status_code
        first, second = backend.mailbox.to(ADA)
        assert (first.kind, second.kind) == ("verify-email", "already-registered")
        assert "for Shop" in first.text
        assert first.link.startswith("http://127.0.0.1:8000/")


def test_a_flow_that_fails_writes_to_nobody(app: Mainstay, urls: Urls) -> None:
    with Backend(app, database_url=urls.database_url, system_url=urls.system_url) as backend:
        letters = MailLetters(app.mail)
        control = ControlPlane(app.rooms.database, app.rooms.system)

        def flow() -> Any:
            yield from in_turn(letters.letter("sign-in-code", ADA, {"code": "123456"}))
            raise LookupError

        with pytest.raises(LookupError):
            backend.run(control.write, flow())
        assert len(backend.mailbox) == 0


def test_an_address_that_is_none_is_not_told_apart(app: Mainstay) -> None:
    with Backend(app):
        for odd in ("a..b@example.com", "ada@example.com\r\nBcc: eve@evil.example", ""):
            assert MailLetters(app.mail).letter("sign-in-code", odd, {"code": "123456"}) == ()


def test_figures_say_what_became_of_letters(app: Mainstay) -> None:
    with Backend(app) as backend:
        backend.run(app.mail.send, "sign-in-code", ADA, {"code": "123456"})
        root = backend.as_user("root", roles=["admin"])
        waiting = root.get("/metrics").text
        assert "mainstay_letters_waiting 1" in waiting
        assert backend.mailbox.last(ADA).code == "123456"
        sent = root.get("/metrics").text
        assert 'mainstay_letters_total{outcome="sent"} 1' in sent
        assert "mainstay_letters_waiting 0" in sent
        assert "123456" not in sent

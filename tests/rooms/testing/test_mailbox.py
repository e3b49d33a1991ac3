"""A test reads the letters that the app has sent."""

import pytest

from mainstay import Mainstay
from mainstay.assembly import Settings
from mainstay.base.errors import ConfigurationError
from mainstay.testing import Backend

ADA = "ada@example.com"


@pytest.fixture
def app() -> Mainstay:
    # Whatever the environment says, no test writes to people.
    app = Mainstay(
        title="Shop", settings=Settings(mail={"url": "smtp://mail.example", "sender": "Shop <no@shop.example>"})
    )

    @app.post("/buy")
    async def buy(email: str) -> bool:
        return await app.mail.send("welcome", email, {"name": "Ada", "link": "https://shop.example/start"})

    return app


def test_letters_are_there_when_the_request_is_answered(app: Mainstay) -> None:
    with Backend(app) as backend:
        assert backend.client.post("/buy", params={"email": ADA}).json() is True
        letter = backend.mailbox.last(ADA)
        assert (letter.kind, letter.subject, letter.link) == (
            "welcome",
            "Welcome to Shop",
            "https://shop.example/start",
        )
        assert letter.html is not None
        assert "Hello Ada" in letter.text
        backend.client.post("/buy", params={"email": "ben@example.com"})
        assert [each.to for each in backend.mailbox.letters] == [ADA, "ben@example.com"]
        assert [each.to for each in backend.mailbox.to(ADA)] == [ADA]
        backend.mailbox.clear()
        assert len(backend.mailbox) == 0
        with pytest.raises(LookupError, match="there are no letters at all"):
            backend.mailbox.last()
        with pytest.raises(LookupError, match="no code"):
            letter.code  # noqa: B018  it is read to be refused
    with Backend(app) as another:
        assert len(another.mailbox) == 0


def test_a_mistake_in_a_letter_fails_the_test_that_sends_it(app: Mainstay) -> None:
    with Backend(app) as backend, pytest.raises(ConfigurationError, match="'link' is undefined"):
        backend.run(app.mail.send, "reset-password", ADA)


def test_who_sends_letters_elsewhere_has_no_mailbox(app: Mainstay) -> None:
    with (
        Backend(app, settings={"mail": {"url": "console:"}}) as backend,
        pytest.raises(ConfigurationError, match="elsewhere"),
    ):
        len(backend.mailbox)


def test_the_page_of_a_newsletters_link_is_served_by_the_app(app: Mainstay) -> None:
    with Backend(app, settings={"public_url": "https://testserver"}) as backend:
        backend.run(app.mail.send, "newsletter", ADA, {"title": "News", "text": "One"}, list="news")
        link = backend.mailbox.last().headers["List-Unsubscribe"].strip("<>").removeprefix("https://testserver")
        assert "Unsubscribe" in backend.client.get(link).text
        # Mail programs send a form, without cookies.
        assert backend.client.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        assert not backend.run(app.mail.send, "newsletter", ADA, {"title": "News", "text": "One"}, list="news")

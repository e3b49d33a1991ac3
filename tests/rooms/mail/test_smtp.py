"""Letters go through a real mail server: over TLS, signed in, and with what it answers understood."""

import asyncio
import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from mainstay.base.errors import ConfigurationError
from mainstay.base.secret import Secret
from mainstay.mail import Engine, SmtpOptions, smtp_engine
from mainstay.mail.errors import Away, PutOff, Refused
from mainstay.mail.message import Message
from tests.rooms.mail.letters import a_letter
from tests.rooms.mail.server import PASSWORD, USER, PostOffice, mail_server, self_made


def engine_for(office: PostOffice, tls: str = "off", **options: object) -> Engine:
    return smtp_engine(SmtpOptions("127.0.0.1", office.port, tls=tls, **{"timeout": 2.0, **options}))  # type: ignore[arg-type]  # by name


def body_of(letter: EmailMessage, kind: str) -> str:
    found = letter.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize("tls", ["start", "full"])
async def test_a_letter_goes_over_tls_signed_in_and_arrives_as_it_was_written(tls: str, tmp_path: Path) -> None:
    certificate = self_made(tmp_path)
    async with mail_server(tls, certificate, sign_in=True) as office:
        engine = engine_for(office, tls, ca=certificate, user=USER, password=Secret(PASSWORD))
        assert "over TLS" in await engine.check()
        await engine.send(a_letter())
        await engine.close()
    [letter] = office.received
    assert (office.over_tls, office.users, office.recipients) == ([True], [USER], ["ada@example.com"])
    assert letter["Subject"] == "Grüße an Ada"
    assert letter["From"] == "Shop <noreply@shop.example>"
    assert letter["To"] == "ada@example.com"
    assert letter["Message-ID"] == "<1@shop.example>"
    assert letter["Date"].datetime == a_letter().date
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Reply-To"] == "help@shop.example"
    assert body_of(letter, "plain") == a_letter().text
    assert body_of(letter, "html") == a_letter().html
    assert letter.get_content_type() == "multipart/alternative"


async def test_a_server_that_offers_no_tls_is_told_nothing(tmp_path: Path) -> None:
    async with mail_server("off") as office:
        engine = engine_for(office, "start", user=USER, password=Secret(PASSWORD))
        with pytest.raises(Away, match="STARTTLS"):
            await engine.send(a_letter())
    assert office.received == []


@pytest.mark.parametrize("tls", ["start", "full"])
async def test_a_certificate_that_does_not_hold_is_refused(tls: str, tmp_path: Path) -> None:
    trusted, other = self_made(tmp_path), self_made(tmp_path, "evil.example")
    async with mail_server(tls, other, sign_in=True) as office:
        engine = engine_for(office, tls, ca=trusted, user=USER, password=Secret(PASSWORD))
        with pytest.raises(Away, match="certificate"):
            await engine.send(a_letter())
    async with mail_server(tls, self_made(tmp_path, "elsewhere.example")) as office:
        # Trusted, and for another name.
        engine = smtp_engine(
            SmtpOptions("localhost", office.port, tls=tls, ca=tmp_path / "elsewhere.example.pem", timeout=2.0)
        )
        with pytest.raises(Away, match="certificate"):
            await engine.send(a_letter())
    assert office.received == []


async def test_a_wrong_password_blames_no_letter_and_is_not_told(tmp_path: Path) -> None:
    certificate = self_made(tmp_path)
    async with mail_server("start", certificate, sign_in=True) as office:
        engine = engine_for(office, "start", ca=certificate, user=USER, password=Secret("hunter2-hunter2"))
        with pytest.raises(Away, match="535") as refused:
            await engine.check()
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("550 5.1.1 nobody here", Refused), ("450 4.2.1 mailbox busy", PutOff), ("421 4.3.2 going down", Away)],
)
@pytest.mark.parametrize("where", ["recipient", "letter"])
async def test_what_the_server_answers_is_understood(answer: str, kind: type[Exception], where: str) -> None:
    async with mail_server() as office:
        if where == "recipient":
            office.refuse = lambda _: answer
        else:
            office.reject = lambda _: answer
        engine = engine_for(office)
        with pytest.raises(kind, match=answer[:3]) as told:
            await engine.send(a_letter())
        assert type(told.value) is kind
        # The next letter goes through, whatever became of the connection.
        office.refuse, office.reject = lambda _: None, lambda _: None
        await engine.send(a_letter())
        await engine.close()
    assert len(office.received) == 1


async def test_a_sender_that_the_server_does_not_take_blames_no_letter() -> None:
    async with mail_server() as office:
        office.refuse_sender = "553 5.7.1 not yours"
        with pytest.raises(Away, match="553"):
            await engine_for(office).send(a_letter())


async def test_a_server_that_is_not_there_or_says_nothing_is_away() -> None:
    async with mail_server() as office:
        pass
    with pytest.raises(Away):
        await engine_for(office).send(a_letter())
    callers: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda reader, writer: callers.append(writer), "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        with pytest.raises(Away):
            await smtp_engine(SmtpOptions("127.0.0.1", port, tls="off", timeout=0.2)).send(a_letter())
        for each in callers:
            each.close()
            await each.wait_closed()


async def test_connections_are_kept_for_the_next_letters_and_replaced_when_the_server_hung_up() -> None:
    async with mail_server() as office:
        engine = engine_for(office, connections=2)
        await asyncio.gather(*(engine.send(a_letter(number)) for number in range(8)))
        assert (len(office.received), office.connections) == (8, 2)
        port = office.port
    async with mail_server(port=port) as again:
        await engine.send(a_letter())
        assert len(again.received) == 1
        await engine.close()


@pytest.mark.parametrize("field", ["subject", "to", "language", "sender", "reply_to"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\u2028", "\x85"])
async def test_no_value_can_add_a_header_a_recipient_or_a_line(field: str, end: str) -> None:
    evil = f"x{end}Bcc: eve@evil.example{end}{end}pay here"
    values: dict[str, object] = {
        "subject": {"subject": evil},
        "to": {"to": f"ada@example.com{end}RCPT TO:<eve@evil.example>"},
        "language": {"language": evil},
        "sender": {"sender": (evil, "noreply@shop.example")},
        "reply_to": {"reply_to": (evil, "help@shop.example")},
    }[field]  # type: ignore[assignment]  # each is a field's
    async with mail_server() as office:
        engine = engine_for(office)
        try:
            await engine.send(a_letter(**values))  # type: ignore[arg-type]  # by name
        except Refused:
            assert field == "to"
        await engine.close()
    assert "eve@evil.example" not in office.recipients
    for letter in office.received:
        assert letter["Bcc"] is None
        assert body_of(letter, "plain") == a_letter().text


@pytest.mark.parametrize("end", ["\r\n.\r\n", "\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n.\r", "\x00\r\n.\r\n"])
@pytest.mark.parametrize("where", ["text", "html"])
async def test_no_text_ends_a_letter_and_begins_another(end: str, where: str) -> None:
    smuggled = f"Hello{end}MAIL FROM:<eve@evil.example>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\nevil{end}"
    async with mail_server() as office:
        engine = engine_for(office)
        changes: dict[str, Any] = {where: smuggled}
        await engine.send(a_letter(**changes))
        await engine.close()
    assert office.recipients == ["ada@example.com"]
    [letter] = office.received
    assert "RCPT TO:<bob@example.com>" in body_of(letter, {"text": "plain", "html": "html"}[where])


def test_certificates_that_cannot_be_read_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="certificates"):
        smtp_engine(SmtpOptions("mail.example", ca=tmp_path / "none.pem"))
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED


def test_a_letter_is_the_same_each_time_it_is_made() -> None:
    first, again = (Message.mime(a_letter()) for _ in range(2))
    assert first["Message-ID"] == again["Message-ID"]
    assert first["Date"] == again["Date"]

"""In development letters are on the terminal, and their links can be opened."""

import asyncio
from io import StringIO

import pytest

from mainstay.mail import Console, QueueOptions
from tests.rooms.mail.letters import a_letter
from tests.rooms.mail.post import Town

LINK = "https://shop.example/verify?token=abcdefghijklmnop"


async def test_a_letter_is_printed_with_its_link_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    await Console().send(a_letter(text=f"Open {LINK}\n"))
    printed = capsys.readouterr().err
    assert "To: ada@example.com\nSubject: Grüße an Ada\n" in printed
    assert LINK in printed


async def test_no_letter_gives_orders_to_the_terminal() -> None:
    stream = StringIO()
    await Console(stream).send(a_letter(subject="a\x1b[2Jb\r\nTo: eve", text="\x1b]0;evil\x07\u202ex\n"))
    assert "\x1b" not in stream.getvalue()
    assert "\x07" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()
    assert "\nTo: eve" not in stream.getvalue()


async def test_it_is_there_as_soon_as_it_is_written(processes: Town) -> None:
    stream = StringIO()
    office = await processes.open(Console(stream), serving=True, queue=QueueOptions(poll=3600.0))
    await office.mail.send("verify-email", "ada@example.com", {"link": LINK})
    async with asyncio.timeout(2):
        while LINK not in stream.getvalue():
            await asyncio.sleep(0.01)

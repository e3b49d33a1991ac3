"""Letters wait in the database, and are sent once."""

from typing import Any

from mainstay.storage.control import in_turn
from tests.rooms.mail.post import Office

LINK = "https://shop.example/verify?token=abcdefghijklmnop"


async def test_a_letter_is_sent_after_the_transaction_it_was_written_in(office: Office) -> None:
    def flow() -> Any:
        yield from in_turn(office.mail.letter("verify-email", "ada@example.com", {"link": LINK}))

    await office.control.write(flow())
    assert office.sent == []
    assert await office.mail.deliver() == 1
    [letter] = office.sent
    assert (letter.to, letter.link, letter.sender) == ("ada@example.com", LINK, ("Shop", "noreply@shop.example"))
    assert await office.mail.deliver() == 0

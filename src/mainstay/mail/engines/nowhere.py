"""No engine: letters wait until there is one."""

from mainstay.mail.errors import Away
from mainstay.mail.message import Message

WORDS = "MAINSTAY_MAIL__URL names no mail server"


class Nowhere:
    """Takes no letter. Those who wait are sent once a mail server is named, or given up when they are too old."""

    name = "a mail server"

    async def send(self, message: Message) -> None:
        raise Away(WORDS)

    async def check(self) -> str:
        raise Away(WORDS)

    async def close(self) -> None:
        """Nothing is held."""

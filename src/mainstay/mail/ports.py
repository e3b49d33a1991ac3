"""What the mail room needs from others, in its own words."""

from typing import Protocol

from mainstay.mail.message import Message


class Engine(Protocol):
    """Hands letters on to whoever delivers them. Several letters may be under way at once."""

    name: str

    async def send(self, message: Message) -> None:
        """Return once somebody else has taken responsibility for the letter (RFC 5321 §4.2.5).

        Raises Refused, PutOff or Away. Sent again after a crash, the same letter has the same Message-ID.
        """
        ...

    async def check(self) -> str:
        """Say in half a sentence what answers. Raises Away where nothing does, or we are not let in."""
        ...

    async def close(self) -> None:
        """Let go of connections. The next `send` may open them again."""
        ...

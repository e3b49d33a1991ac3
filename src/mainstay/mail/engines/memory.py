"""Letters kept in this process: for tests."""

from collections import deque

from mainstay.mail.message import Message

MOST = 10_000


class Memory:
    """Keeps the newest letters. Each has been through the form that it would have on the wire."""

    name = "memory"

    def __init__(self) -> None:
        self.messages: deque[Message] = deque(maxlen=MOST)

    async def send(self, message: Message) -> None:
        """Keep it."""
        message.mime().as_bytes()
        self.messages.append(message)

    async def check(self) -> str:
        return "letters are kept in memory"

    async def close(self) -> None:
        """What was kept stays."""

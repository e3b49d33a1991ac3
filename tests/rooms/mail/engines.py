"""Engines that answer as a test wants them to."""

import asyncio
from collections.abc import Awaitable, Callable

from mainstay.mail import Memory, Message

Answer = Callable[[Message], Awaitable[None]]


class Moody(Memory):
    """Takes letters, unless it is given an error to raise first; counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.mood: Callable[[Message], Exception | None] = lambda message: None
        self.asked: list[str] = []
        self.before: Answer | None = None

    async def send(self, message: Message) -> None:
        self.asked.append(message.message_id)
        if self.before is not None:
            await self.before(message)
        # Others get their turn, as they do while a server is waited for.
        await asyncio.sleep(0)
        error = self.mood(message)
        if error is not None:
            raise error
        await super().send(message)

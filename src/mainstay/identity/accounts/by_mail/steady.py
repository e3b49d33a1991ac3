"""Answers that take as long whether or not there is an account."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mainstay.identity.room import Room


@asynccontextmanager
async def steady(room: Room) -> AsyncIterator[None]:
    """Do the enclosed work, and end no sooner than `steady_seconds` after its beginning, refused or not.

    What is done for an account and what is done for none differ by a few statements; this is longer than either.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + room.options.accounts.steady_seconds
    try:
        yield
    finally:
        left = until - loop.time()
        if left > 0:
            await asyncio.sleep(left)

"""What the mail room's tests share."""

from collections.abc import AsyncIterator

import pytest

from mainstay.testing import FakeClock
from tests.databases import Urls
from tests.rooms.mail.post import Office, Town, town


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def processes(urls: Urls, clock: FakeClock) -> AsyncIterator[Town]:
    """A migrated database on each engine in turn, and a way to open processes over it."""
    async with town(urls, clock) as built:
        yield built


@pytest.fixture
async def office(processes: Town) -> Office:
    """One process, whose letters are kept in memory and sent when the test says so."""
    return await processes.open()

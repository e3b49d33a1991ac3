"""What the identity room's tests share."""

from collections.abc import AsyncIterator

import pytest

from tests.databases import Urls
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.rooms import House, Rooms, house


@pytest.fixture
def clock() -> WoundClock:
    return WoundClock()


@pytest.fixture
async def processes(urls: Urls, clock: WoundClock) -> AsyncIterator[House]:
    """A migrated database on each engine in turn, and a way to open processes over it."""
    async with house(urls, clock) as built:
        yield built


@pytest.fixture
async def rooms(processes: House) -> Rooms:
    """One process."""
    return await processes.open()

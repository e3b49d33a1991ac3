"""What the resources room's tests share."""

from collections.abc import AsyncIterator

import pytest

from tests.databases import Urls
from tests.rooms.resources.library import Shelf, shelf


@pytest.fixture
async def library(urls: Urls) -> AsyncIterator[Shelf]:
    """The library on each engine in turn."""
    async with shelf(urls) as opened:
        yield opened

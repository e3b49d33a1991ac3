"""What the tests of the generated routes share."""

from collections.abc import AsyncIterator

import pytest

from tests.databases import Urls
from tests.rooms.resources.rest.library import Library, open_library


@pytest.fixture
async def library(urls: Urls) -> AsyncIterator[Library]:
    """An empty library on each engine in turn."""
    async with open_library(urls) as opened:
        yield opened

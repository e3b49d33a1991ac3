"""A fresh database on each engine in turn, with the audit's tables."""

from collections.abc import AsyncIterator

import pytest

from tests.databases import Urls
from tests.rooms.telemetry.audit.ledger import Ledger, ledger_of


@pytest.fixture
async def ledger(urls: Urls) -> AsyncIterator[Ledger]:
    async with ledger_of(urls) as made:
        yield made

"""Work that is done again and again beside everything else."""

import asyncio
import logging

import pytest

from mainstay.base.repeating import Repeating

LOG = logging.getLogger("mainstay.test")


async def test_an_outage_is_told_of_once_and_the_next_one_again(caplog: pytest.LogCaptureFixture) -> None:
    turns = iter([True, False, False, True, False])
    over = asyncio.Event()

    async def work() -> None:
        well = next(turns, None)
        if well is None:
            over.set()
        elif not well:
            raise OSError("away")

    repeating = Repeating("test", work, LOG, "nothing is read")
    with caplog.at_level(logging.WARNING, LOG.name):
        repeating.start(0.001)
        await asyncio.wait_for(over.wait(), 5)
        await repeating.stop()
    assert [record.getMessage() for record in caplog.records] == ["nothing is read: away"] * 2


async def test_it_stops_whatever_is_under_way_and_does_not_mind_stopping_twice() -> None:
    begun, ended = asyncio.Event(), False

    async def work() -> None:
        nonlocal ended
        begun.set()
        await asyncio.sleep(60)
        ended = True

    repeating = Repeating("test", work, LOG, "")
    await repeating.stop()
    repeating.start(0.0)
    await asyncio.wait_for(begun.wait(), 5)
    await repeating.stop()
    await repeating.stop()
    assert not ended

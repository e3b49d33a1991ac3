"""B12: several processes, killed at any moment, chain every deed exactly once and in order; writers do not wait."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from mainstay.telemetry.audit import Audit, Filter
from mainstay.telemetry.audit.chain import chaining
from mainstay.telemetry.audit.chain.append import HeadMoved
from tests.conftest import ROOT
from tests.rooms.telemetry.audit.ledger import ACME, Ledger, deed

CHAINER = "tests.rooms.telemetry.audit.chainer"


@asynccontextmanager
async def chainer(ledger: Ledger) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that chains, killed without warning at the end."""
    urls = ledger.urls
    command = (sys.executable, "-m", CHAINER, urls.database_url, urls.system_url)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()


async def chained(audit: Audit) -> list[str]:
    """The names in the chain, oldest first."""
    return [each["name"] async for each in audit.entries.every(ACME, Filter())][::-1]


async def test_processes_that_are_killed_while_chaining_lose_nothing_and_double_nothing(ledger: Ledger) -> None:
    audit = await ledger.audit()
    count = 0
    for _ in range(2):
        async with chainer(ledger), chainer(ledger):
            for _ in range(5):
                await ledger.note(audit, *(deed(f"n.{n}") for n in range(count, count + 20)))
                count += 20
            started = time.monotonic()
            while await audit.waiting() > 40 and time.monotonic() - started < 5:
                await asyncio.sleep(0.001)
    assert await audit.settle(), "a killed process holds no lock"
    assert await chained(audit) == [f"n.{n}" for n in range(count)]
    assert all(each.holds for each in await audit.verify())


async def test_two_that_both_believe_to_hold_the_lock_do_no_harm(ledger: Ledger) -> None:
    """A lock can be lost without its holder noticing; the head then decides, and whoever is late reads again."""
    one, two = await ledger.audit(batch=5), await ledger.audit(batch=5)
    await ledger.note(one, *(deed(f"n.{n}") for n in range(40)))

    async def go_on(audit: Audit) -> None:
        while await audit.waiting():
            with suppress(HeadMoved):
                await audit.chaining.step()
            audit.chaining.forget_heads()
            await asyncio.sleep(0)

    await asyncio.gather(go_on(one), go_on(two))
    assert await chained(one) == [f"n.{n}" for n in range(40)]
    assert all(each.holds for each in await two.verify())


async def test_settling_waits_for_whoever_chains(ledger: Ledger) -> None:
    """Otherwise a command lists the log without what the command before it did."""
    audit = await ledger.audit(interval=60.0)
    await audit.open()
    try:
        for n in range(3):
            await ledger.note(audit, deed(f"n.{n}"))
            assert await audit.settle(), "its own leader holds the lock, and sleeps"
            assert await chained(audit) == [f"n.{each}" for each in range(n + 1)]
            await asyncio.sleep(0.02)
    finally:
        await audit.close()
    held = await (await ledger.database()).engine.hold("audit")
    assert held is not None
    await ledger.note(audit, deed("n.3"))
    settling = asyncio.create_task(audit.settle())
    done, _ = await asyncio.wait([settling], timeout=0.2)
    assert not done, "somebody else has the lock, and has not chained yet"
    await held.let_go()
    assert await settling
    assert (await chained(audit))[-1] == "n.3"


async def test_settling_ends_where_whoever_chains_does_not_get_on(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a process that stands by is not kept busy by being woken."""
    monkeypatch.setattr(chaining, "PATIENCE", 0.2)
    held = await (await ledger.database()).engine.hold("audit")
    assert held is not None
    audit = await ledger.audit(interval=60.0)
    engine, tries = audit.chaining._database.engine, 0
    hold = engine.hold

    async def counted(name: str) -> Any:
        nonlocal tries
        tries += 1
        await asyncio.sleep(0)
        return await hold(name)

    monkeypatch.setattr(engine, "hold", counted)
    await audit.open()
    try:
        await ledger.note(audit, deed("n.0"))
        assert not await audit.settle()
        assert await audit.waiting() == 1
        # A look every 0.05 seconds, and what each of them wakes.
        assert tries < 50
        await held.let_go()
        assert await audit.settle()
    finally:
        await audit.close()


async def test_what_was_told_is_written_down_when_the_process_ends(ledger: Ledger) -> None:
    audit = await ledger.audit()
    await audit.open()
    audit.tell(deed("told.last"))
    await audit.close()
    again = await ledger.audit()
    await again.settle()
    assert await chained(again) == ["told.last"]


async def test_a_flood_of_refusals_is_counted_and_not_written_one_by_one(ledger: Ledger) -> None:
    audit = await ledger.audit()
    started = time.process_time()
    for n in range(20_000):
        audit.tell(deed("session.refused", user_id=None, actor_id=None, origin={"address": f"10.0.{n % 200}.1"}))
    took = time.process_time() - started
    assert took / 20_000 < 100e-6, f"{took / 20_000 * 1e6:.1f} us each"
    await audit.settle()
    assert len(await chained(audit)) == 100 * 3
    ledger.clock.forward(61)
    audit.tell(deed("session.refused", user_id=None, actor_id=None))
    await audit.settle()
    found = [each async for each in audit.entries.every(ACME, Filter())]
    assert len(found) == 300 + 100 + 1 + 1
    told = sum(each["details"].get("times", 1) for each in found)
    assert told == 20_001


async def test_refusals_wait_for_a_database_that_is_away_and_not_without_bound(ledger: Ledger) -> None:
    audit = await ledger.audit(window_keys=2, window_first=2)
    await ledger.raw("ALTER TABLE mainstay_audit_queue RENAME TO away", triggers=True)
    for _ in range(50):
        audit.tell(deed("session.refused"))
        ledger.clock.forward(61)
        with suppress(Exception):
            await audit.flush()
    await ledger.raw("ALTER TABLE away RENAME TO mainstay_audit_queue", triggers=True)
    await audit.flush()
    assert 1 < await audit.waiting() <= 12

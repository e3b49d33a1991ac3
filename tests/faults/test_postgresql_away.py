"""PostgreSQL that is full, restarted or cut off: 503 in bounded time, all back soon, and no process ends."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from scripts import services
from tests.databases import Administrator
from tests.faults.conftest import Figures
from tests.faults.server import Server, served, until
from tests.faults.wire import ALIVE, LIST, note, post
from tests.faults.writing import Traffic, request, traffic


class Cluster:
    """A PostgreSQL of these tests' own, which may be mistreated."""

    def __init__(self, folder: Path) -> None:
        self.state = services.start_cluster(folder, keep=False)

    def control(self, command: str, *options: str) -> None:
        """As pg_ctl does it; a restart keeps the port and the settings."""
        data = Path(self.state.data)
        as_whom = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        log = ["-l", str(data.parent / "postgresql.log")] if command != "stop" else []
        program = f"{self.state.binaries}/pg_ctl"
        line = [*as_whom, program, command, "-w", "-D", str(data), *log, *options]
        done = subprocess.run(line, capture_output=True, text=True, cwd="/", stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def connect(self, database: str) -> "asyncio.Future[asyncpg.Connection]":
        """A connection as the superuser."""
        return asyncio.ensure_future(asyncpg.connect(self.state.url(database, services.SUPERUSER)))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("postgresql"))
    yield cluster
    cluster.control("stop", "-m", "immediate")
    shutil.rmtree(Path(cluster.state.data).parent)


@dataclass
class Served:
    """A server on that cluster, with a small pool and little patience."""

    server: Server
    cluster: Cluster
    database: str

    @property
    def port(self) -> int:
        return self.server.port


POOL, STATEMENT_TIMEOUT, PATIENCE = 4, 2.0, 5.0


@pytest.fixture(scope="module")
def away(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    administrator = Administrator(cluster.state)
    urls = administrator.create()
    administrator.close()
    settings = {
        "MAINSTAY_DATABASE_URL": urls.database_url,
        "MAINSTAY_DATABASE_SYSTEM_URL": urls.system_url,
        "MAINSTAY_DATABASE_POOL_SIZE": str(POOL),
        "MAINSTAY_STATEMENT_TIMEOUT": str(STATEMENT_TIMEOUT),
    }
    with served(tmp_path_factory.mktemp("faults"), 2, 0, (), **settings) as server:
        until(lambda: len(server.workers()) == 2, server.said)
        workers = server.workers()
        yield Served(server, cluster, urls.database_url.rpartition("/")[2])
        assert server.workers() == workers, server.said()
        assert server.clean(), server.said()
        assert server.stop() == 0


async def test_a_full_pool_is_503_in_bounded_time_and_serves_again(away: Served, full: bool, figure: Figures) -> None:
    many = 400 if full else 60
    assert (await request(away.port, post(note())))[0] == 201
    owner = await away.cluster.connect(away.database)
    await owner.execute("BEGIN; LOCK TABLE notes IN ACCESS EXCLUSIVE MODE")
    began = time.monotonic()
    asking = [asyncio.create_task(timed(away.port, post(note()) if number % 2 else LIST)) for number in range(many)]
    await asyncio.sleep(0.5)
    alive = await timed(away.port, ALIVE)
    done = await asyncio.gather(*asking)
    took = time.monotonic() - began
    await owner.execute("ROLLBACK")
    await owner.close()
    assert alive[0] == 200
    assert alive[1] < 3
    assert {status for status, _ in done} == {503}
    assert took < PATIENCE + STATEMENT_TIMEOUT + 5
    assert (await request(away.port, LIST))[0] == 200
    assert (await request(away.port, post(note())))[0] == 201
    figure(f"{many} requests for {2 * POOL} connections that hang: all 503 within {took:.1f} s")
    figure(f"/livez meanwhile in {alive[1] * 1000:.0f} ms, all served as soon as they hang no more")


async def timed(port: int, data: bytes) -> tuple[int, float]:
    began = time.monotonic()
    status, body = await request(port, data)
    assert status != 503 or b'"code":"unavailable"' in body
    return status, time.monotonic() - began


async def test_a_restart_under_load_is_over_in_seconds(away: Served, full: bool, figure: Figures) -> None:
    back: list[float] = []
    # Paced, far below what it could serve: what is measured is whether all of it is served again.
    async with traffic(lambda: away.port, writers=6, readers=10, period=0.2) as seen:
        await asyncio.sleep(2)
        for turn in range(20 if full else 1):
            await asyncio.sleep(3)
            before = seen.rate(time.monotonic() - 3, time.monotonic())
            assert before > 20
            await asyncio.to_thread(away.cluster.control, "restart", "-m", ("immediate", "fast")[turn % 2])
            back.append(await recovered(seen, before))
    await check(away, seen)
    figure(f"{len(back)} restarts: 95 % of the rate after {max(back):.1f} s at most; {len(seen.created)} writes kept")
    figure(f"answers {dict(seen.statuses())}, slowest {seen.slowest:.1f} s, {seen.broken} connections broke")


async def test_a_server_that_is_away_for_a_while_is_503_and_comes_back(
    away: Served, full: bool, figure: Figures
) -> None:
    ready = ALIVE.replace(b"/livez", b"/readyz")
    async with traffic(lambda: away.port, writers=2, readers=4, period=0.2) as seen:
        await asyncio.sleep(3)
        before = seen.rate(time.monotonic() - 2, time.monotonic())
        await asyncio.to_thread(away.cluster.control, "stop", "-m", "fast")
        gone = time.monotonic()
        await asyncio.sleep(10 if full else 1)
        status, took = await timed(away.port, LIST)
        assert status == 503
        assert took < 3
        assert (await request(away.port, ALIVE))[0] == 200
        assert (await request(away.port, ready))[0] == 503
        answered = {status for moment, status in seen.answers if moment > gone + 0.5}
        await asyncio.to_thread(away.cluster.control, "start", *options_of(away.cluster))
        back = await recovered(seen, before)
        assert (await request(away.port, ready))[0] == 200
    assert answered == {503}
    await check(away, seen)
    figure(f"away: 503 after {took * 1000:.0f} ms; 95 % of the rate {back:.1f} s after the start")


def options_of(cluster: Cluster) -> list[str]:
    """The options that the cluster was first started with, as `pg_ctl start -o` takes them."""
    line = (Path(cluster.state.data) / "postmaster.opts").read_text()
    return ["-o", line.partition('"-c"')[1] + line.partition('"-c"')[2].strip()]


async def test_connections_that_the_server_ends_one_by_one_are_replaced(
    away: Served, full: bool, figure: Figures
) -> None:
    async with traffic(lambda: away.port, writers=4, readers=8, period=0.1) as seen:
        owner = await away.cluster.connect("postgres")
        ended = 0
        for _ in range(300 if full else 15):
            ended += await owner.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity "
                "WHERE datname = $1 AND backend_type = 'client backend' ORDER BY random() LIMIT 1) a",
                away.database,
            )
            await asyncio.sleep(0.2)
        await owner.close()
    await check(away, seen)
    answers = seen.statuses()
    # A write whose connection ends under it may or may not have been done, so that one is not tried again.
    assert answers[503] <= ended
    figure(f"{ended} connections ended: answers {dict(answers)}")


async def recovered(seen: Traffic, before: float) -> float:
    """After how many seconds a whole second had 95 % of the rate before; within ten."""
    began = time.monotonic()
    while time.monotonic() - began < 11:
        await asyncio.sleep(0.1)
        now = time.monotonic()
        if now - began >= 1 and seen.rate(now - 1, now) >= 0.95 * before:
            return now - 1 - began
    raise AssertionError(f"{before:.0f}/s before, {seen.rate(time.monotonic() - 3, time.monotonic()):.0f}/s after 10 s")


async def check(away: Served, seen: Traffic) -> None:
    """Nothing but 200, 201 and 503 was answered; each acknowledged row is there, and an event for each row."""
    assert away.server.process.poll() is None
    assert set(seen.statuses()) <= {200, 201, 503}
    owner = await away.cluster.connect(away.database)
    rows = {str(row[0]) for row in await owner.fetch("SELECT id FROM notes")}
    events = sorted(str(row[0]) for row in await owner.fetch("SELECT key FROM mainstay_outbox WHERE channel = 'notes'"))
    await owner.close()
    assert seen.created <= rows
    assert events == sorted(rows)

"""Processes that are killed: no acknowledged write is lost, nothing is half done, somebody takes their place."""

import asyncio
import os
import random
import signal
import socket
import time
from pathlib import Path

from tests.faults.conftest import Figures
from tests.faults.look import check_file, look
from tests.faults.server import Server, alive, served, until
from tests.faults.wire import ask, note, post
from tests.faults.writing import Traffic, request, traffic


async def test_a_server_of_four_that_is_killed_again_and_again_loses_nothing(
    tmp_path: Path, full: bool, figure: Figures
) -> None:
    kills, every = (200, 10) if full else (4, 4)
    choice = random.Random(3)
    database, done = tmp_path / "notes.db", 0
    began, back = time.monotonic(), []
    current: list[Server] = []
    async with traffic(lambda: current[0].port if current else 1, writers=8, readers=2) as seen:
        while done < kills:
            with served(tmp_path, workers=4, port=current[0].port if current else 0) as server:
                current[:] = [server]
                while done < kills and (done + 1) % every:
                    await busy(seen)
                    before = server.workers()
                    os.kill(choice.choice(before), signal.SIGKILL)
                    done += 1
                    back.append(await asyncio.to_thread(another, server, before))
                await busy(seen)
                if done < kills:
                    await asyncio.to_thread(server.kill_all)
                    done += 1
                assert server.clean(), server.said()
            await asyncio.to_thread(check_file, database, seen.created)
    rows = await asyncio.to_thread(check_file, database, seen.created)
    assert len(seen.created) > 20 * kills
    assert not [status for status in seen.statuses() if status >= 500 and status != 503]
    figure(f"{done} kills in {time.monotonic() - began:.0f} s: {len(seen.created)} writes acknowledged, none lost")
    figure(f"{rows} rows, as many events, integrity_check ok; another worker started after {max(back):.1f} s at most")
    figure(f"slowest answer {seen.slowest:.1f} s, {seen.broken} connections broke")


async def busy(seen: Traffic, answers: int = 60) -> None:
    """Wait until so many more rows were acknowledged, and a little more, so that the next blow falls anywhere."""
    wanted = len(seen.created) + answers
    deadline = time.monotonic() + 120
    while len(seen.created) < wanted:
        assert time.monotonic() < deadline, f"only {len(seen.created)} of {wanted} were acknowledged"
        await asyncio.sleep(0.01)
    await asyncio.sleep(random.random() / 20)


def test_workers_end_with_their_supervisor(tmp_path: Path, figure: Figures) -> None:
    with served(tmp_path, workers=2) as server:
        until(lambda: len(server.workers()) == 2, server.said)
        workers = server.workers()
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(10)
        took = until(lambda: not any(alive(pid) for pid in workers), server.said, patience=10)
        figure(f"gone {took:.1f} s after their supervisor")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", server.port))


def test_a_worker_that_keeps_ending_takes_nobody_with_it(tmp_path: Path) -> None:
    with served(tmp_path, workers=2) as server:
        until(lambda: len(server.workers()) == 2, server.said)
        kept, unlucky = server.workers()
        for _ in range(2):
            os.kill(unlucky, signal.SIGKILL)
            another(server, [kept, unlucky])
            (unlucky,) = set(server.workers()) - {kept, unlucky}
            assert server.process.poll() is None
        assert kept in server.workers()
        assert server.said().count("was ended by SIGKILL; another starts") == 2
        until(lambda: answers(server), server.said)
        # One of the first two was the relay: once neither lives, another numbers the changes.
        os.kill(kept, signal.SIGKILL)
        until(lambda: kept not in server.workers() and answers(server), server.said)
        until(lambda: look(tmp_path / "notes.db")["unnumbered"] == [], server.said)
        assert server.stop() == 0


def another(server: Server, before: list[int]) -> float:
    """Wait for a worker that was not there before; how many seconds it took."""
    return until(lambda: set(server.workers()) - set(before) != set(), server.said)


def answers(server: Server) -> bool:
    """Whether a change is acknowledged."""
    try:
        answer = ask(server.port, post(note()))
    except OSError:
        return False
    return answer is not None and answer.status == 201


async def test_requests_under_way_are_answered_when_several_workers_are_stopped(tmp_path: Path) -> None:
    with served(tmp_path, workers=2) as server:
        slow = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
        asking = [asyncio.create_task(request(server.port, slow)) for _ in range(10)]
        await asyncio.to_thread(until, lambda: len(list(tmp_path.glob("begun-*"))) == 10, server.said)
        async with traffic(lambda: server.port, writers=4) as seen:
            await busy(seen)
            server.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.3)
        (tmp_path / "go").touch()
        assert set(await asyncio.gather(*asking)) == {(200, b'"done"')}
        assert await asyncio.to_thread(server.process.wait, 20) == 0
        # Whatever was acknowledged up to the last moment is there.
        await asyncio.to_thread(check_file, tmp_path / "notes.db", seen.created)
        assert server.clean(), server.said()

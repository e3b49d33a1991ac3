"""Letters survive the processes that wrote them and that sent them."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mainstay.testing import FakeClock
from tests.databases import Urls
from tests.rooms.mail.post import town
from tests.rooms.mail.server import PostOffice, mail_server

LINK = {"link": "https://shop.example/v"}


@asynccontextmanager
async def postman(
    root: Path, deed: str, urls: Urls, office: PostOffice, lease: float = 30.0
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of its own; killed when the block ends, unless it is gone."""
    arguments = [urls.database_url, urls.system_url, str(office.port), str(lease)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.rooms.mail.postman", deed, *arguments, cwd=root, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def arrive(office: PostOffice, number: int, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while len(office.received) < number:
            await asyncio.sleep(0.02)


async def test_a_letter_arrives_whose_writer_was_killed_right_after_the_commit(urls: Urls, root: Path) -> None:
    async with town(urls, FakeClock()), mail_server() as office:
        async with postman(root, "write", urls, office) as writer:
            assert await writer.wait() == -signal.SIGKILL
        assert office.received == []
        async with postman(root, "send", urls, office):
            await arrive(office, 1)
    assert office.recipients == ["ada@example.com"]


async def test_a_letter_arrives_once_whose_sender_was_killed_before_the_server_took_it(urls: Urls, root: Path) -> None:
    async with town(urls, FakeClock()) as built, mail_server() as office:
        here = await built.open()
        await here.mail.send("verify-email", "ada@example.com", LINK)
        office.hold = asyncio.Event()
        async with postman(root, "send", urls, office, lease=2.0) as first:
            async with asyncio.timeout(60):
                await office.arrived.wait()
            first.kill()
            await first.wait()
        office.hold = None
        async with postman(root, "send", urls, office, lease=2.0):
            await arrive(office, 1)
            await asyncio.sleep(0.3)
        assert len(office.received) == 1
        assert (await here.mail.waiting())[0] == 0


async def test_two_processes_at_one_queue_send_each_letter_once(urls: Urls, root: Path) -> None:
    readers = [f"reader{number}@example.com" for number in range(60)]
    async with town(urls, FakeClock()) as built, mail_server() as office:
        here = await built.open()
        async with postman(root, "send", urls, office) as first, postman(root, "send", urls, office) as second:
            for process in (first, second):
                assert process.stdout is not None
                assert await process.stdout.readline() == b"ready\n"
            await asyncio.gather(*(here.mail.send("verify-email", reader, LINK) for reader in readers))
            await arrive(office, len(readers))
            await asyncio.sleep(0.3)
    assert sorted(office.recipients) == sorted(readers)
    assert len(set(office.letter_ids)) == len(readers)

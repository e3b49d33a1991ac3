"""A process that sends what waits, and one that writes a letter and dies: run by tests, and killed by them.

postman.py send|write <database url> <system url> <port> <lease seconds>
"""

import asyncio
import os
import signal
import sys
from typing import Any

from mainstay.base.clock import SystemClock
from mainstay.mail import QueueOptions, SmtpOptions, smtp_engine
from mainstay.storage.control import in_turn
from tests.databases import Urls
from tests.rooms.mail.post import Town


async def main(deed: str, database_url: str, system_url: str, port: str, lease: str) -> None:
    queue = QueueOptions(poll=0.1, lease=float(lease), deadline=float(lease) / 2)
    town = Town(Urls(database_url, system_url, ""), SystemClock())
    engine = smtp_engine(SmtpOptions("127.0.0.1", int(port), tls="off", timeout=5.0))
    office = await town.open(engine, serving=deed == "send", queue=queue)
    if deed == "send":
        print("ready", flush=True)
        await asyncio.sleep(3600)

    def flow() -> Any:
        yield from in_turn(office.mail.letter("verify-email", "ada@example.com", {"link": "https://shop.example/v"}))

    await office.control.write(flow())
    # Committed, and not begun to be sent.
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""A process that chains until it is killed: `python -m tests.rooms.telemetry.audit.chainer DATABASE_URL SYSTEM_URL`"""

import asyncio
import sys

from mainstay.storage import DatabaseOptions, open_database
from mainstay.telemetry.audit import Audit, AuditOptions
from tests.rooms.telemetry.audit.ledger import MASTER, SYSTEM


async def main(url: str, system_url: str) -> None:
    database = open_database(DatabaseOptions(url, system_url))
    await database.open()
    audit = Audit(database, SYSTEM, MASTER, AuditOptions(batch=7, interval=0.01, standby=0.02))
    await audit.open()
    print("chaining", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

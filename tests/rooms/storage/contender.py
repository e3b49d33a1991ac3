"""A process that writes: run by the tests of the lock and of kill -9.

`contender.py URL SYSTEM_URL TENANT NAME` adds books until it is killed, printing each title after its acknowledgement,
through planned writes and ORM-style sessions in turn.
"""

import asyncio
import sys
import time
from uuid import UUID

from mainstay.base.tenant import TenantScope
from mainstay.storage import DatabaseOptions, open_database, sql
from tests.rooms.storage.shelf import Shelf


async def main(url: str, system_url: str, tenant: str, name: str) -> None:
    database = open_database(DatabaseOptions(url, system_url))
    await database.open()
    shelf, scope = Shelf(database), TenantScope(UUID(tenant))
    print("ready", flush=True)
    number = 0
    while True:
        titles = [f"{name}-{number + step}" for step in range(4)]
        number += 4
        began = time.monotonic()
        await asyncio.gather(*(database.write(scope, shelf.adding(title), single=True) for title in titles))
        if number % 20 == 0:
            async with database.session(scope) as session:
                insert = sql.unsafe("INSERT INTO authors (tenant_id, id, name) VALUES (:tenant, :id, 'x')")
                await session.execute(insert, {"id": f"00000000-0000-0000-0000-{number:012}"})
                await session.rollback()
        print(*titles, f"{time.monotonic() - began:.4f}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

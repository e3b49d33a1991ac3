"""One process of several: asks a cached function many times, and says what it got and how often it computed."""

import asyncio
import json
import sys
import time
from pathlib import Path

from mainstay.cache import Cache, redis_store


async def main(url: str, folder: str, name: str) -> None:
    cache = Cache(store=redis_store(url, namespace="nodes", timeout=2.0))
    await cache.open()
    computed = 0

    @cache.cached(ttl=60, shared="everyone")
    async def slow() -> str:
        nonlocal computed
        computed += 1
        await asyncio.sleep(0.5)
        return name

    Path(folder, f"{name}.ready").touch()
    while not Path(folder, "go").exists():
        time.sleep(0.005)
    got = await asyncio.gather(*(slow() for _ in range(25)))
    print(json.dumps({"computed": computed, "got": sorted(set(got))}))
    await cache.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

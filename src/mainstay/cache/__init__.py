"""Values remembered: apart by tenant and caller, computed once at a time, void when rows change.

Alone, in a plain FastAPI app:

    from mainstay.cache import Cache, CacheOptions, CurrentCache, Memory

    cache = Cache(CacheOptions(), Memory(most_bytes=16 << 20))      # or redis_store(url, namespace="shop")
    app.state.cache = cache

    @cache.cached(ttl=60, shared="everyone", tags=["rates"])
    async def rates(base: str) -> dict[str, float]: ...

    @app.post("/rates")
    async def publish(cache: CurrentCache) -> None:
        await cache.void("rates", shared="everyone")
"""

from mainstay.cache.cache import Cache
from mainstay.cache.cached import CachedFunction, Caching, cached
from mainstay.cache.dependency import CurrentCache
from mainstay.cache.engines.memory import Memory
from mainstay.cache.engines.redis_store import redis_store
from mainstay.cache.errors import NotCacheable
from mainstay.cache.filling.voids import Marks
from mainstay.cache.naming.whose import Owner
from mainstay.cache.options import CacheOptions
from mainstay.cache.revalidated import revalidated

__all__ = [
    "Cache",
    "CacheOptions",
    "CachedFunction",
    "Caching",
    "CurrentCache",
    "Marks",
    "Memory",
    "NotCacheable",
    "Owner",
    "cached",
    "redis_store",
    "revalidated",
]

"""The cache of an app, as its settings want it."""

from mainstay.assembly.settings import Settings
from mainstay.assembly.wiring.resources_to_cache import OutboxLog
from mainstay.base.clock import Clock
from mainstay.base.errors import ConfigurationError
from mainstay.cache import Cache, CacheOptions, Memory, redis_store
from mainstay.cache.ports import Store


def cache_of(settings: Settings, void_log: OutboxLog, clock: Clock) -> Cache:
    """A cache that keeps values in memory until `open_cache` finds that it should be Redis.

    Raises ConfigurationError where Redis is asked for and not named.
    """
    if settings.cache == "redis" and settings.redis() is None:
        raise ConfigurationError(
            "MAINSTAY_CACHE is redis, and MAINSTAY_REDIS_URL names none.",
            fix="Set MAINSTAY_REDIS_URL, or MAINSTAY_CACHE=memory.",
        )
    memory = Memory(most_bytes=settings.cache_bytes, most_entries=settings.cache_entries, clock=clock)
    if settings.cache != "memory" and settings.redis() is not None:
        # Says at once what is wrong with the URL, or that the driver is missing.
        _shared(settings, "unopened", clock)
    cache = Cache(CacheOptions(enabled=settings.cache != "off"), memory, void_log=void_log, clock=clock)
    void_log.tell(cache)
    return cache


async def open_cache(cache: Cache, settings: Settings, void_log: OutboxLog) -> None:
    """Open it on a database that is open: what it keeps in Redis is this database's and no other's."""
    await void_log.open()
    if settings.cache in (None, "redis") and settings.redis() is not None:
        cache.use(_shared(settings, f"mainstay:{await void_log.epoch()}", cache.clock))
    await cache.open()


async def close_cache(cache: Cache, void_log: OutboxLog) -> None:
    """Close both."""
    await cache.close()
    await void_log.close()


def _shared(settings: Settings, namespace: str, clock: Clock) -> Store:
    return redis_store(settings.redis() or "", namespace=namespace, timeout=settings.cache_timeout, clock=clock)

"""A store in Redis, where its driver is installed."""

from typing import Any

from mainstay.base.errors import ConfigurationError
from mainstay.cache.ports import Store


def redis_store(url: str, *, namespace: str, **options: Any) -> Store:
    """`engines.redis.Redis` with these options. Raises ConfigurationError where the driver is missing."""
    try:
        from mainstay.cache.engines.redis import Redis  # noqa: PLC0415  an extra
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "redis":
            raise
        raise ConfigurationError(
            "The cache is to be kept in Redis, but its driver is not installed.",
            fix="pip install 'mainstay[redis]', or leave MAINSTAY_REDIS_URL out to keep it in memory.",
        ) from None
    return Redis(url, namespace=namespace, **options)

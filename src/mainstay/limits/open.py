"""A limiter for one process, or for all that share a Redis."""

from mainstay.base.clock import Clock
from mainstay.base.errors import ConfigurationError
from mainstay.limits.limiter import Limiter
from mainstay.limits.options import LimitsOptions
from mainstay.limits.ports import Store


def open_limiter(
    options: LimitsOptions | None, redis_url: str | None = None, clock: Clock | None = None, *, namespace: str = ""
) -> Limiter:
    """A limiter by these options, None being off; with a Redis, its budgets are those of all who share it under
    the same namespace.

    Raises ConfigurationError for a URL that cannot be used, and where the driver is not installed.
    """
    if redis_url is None:
        return Limiter(options, clock)
    return Limiter(options, clock, _redis(redis_url, (options or LimitsOptions()).redis_timeout, namespace))


def _redis(url: str, timeout: float, namespace: str) -> Store:
    try:
        from mainstay.limits.engines.redis import RedisStore  # noqa: PLC0415  an extra
    except ModuleNotFoundError as missing:
        if missing.name != "redis":
            raise
        raise ConfigurationError(
            "MAINSTAY_REDIS_URL is set, but the driver for Redis is not installed.",
            fix="pip install 'mainstay[redis]', or remove MAINSTAY_REDIS_URL to count in each process alone.",
        ) from None
    return RedisStore(url, timeout, namespace)

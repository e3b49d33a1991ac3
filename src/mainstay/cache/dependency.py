"""The cache as a FastAPI dependency."""

from typing import Annotated

from fastapi import Depends, Request

from mainstay.base.errors import ConfigurationError
from mainstay.cache.cache import Cache


async def current_cache(request: Request) -> Cache:
    """The app's cache, found at `app.state.cache`."""
    cache = getattr(request.app.state, "cache", None)
    if not isinstance(cache, Cache):
        raise ConfigurationError("This app has no cache.", fix="Set app.state.cache = Cache().")
    return cache


CurrentCache = Annotated[Cache, Depends(current_cache)]

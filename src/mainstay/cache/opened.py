"""Which cache the bare `cached` means: the one that is open in this process."""

from mainstay.base.errors import ConfigurationError
from mainstay.cache.ports import Answering

_open: list[Answering] = []


def opened(cache: Answering) -> None:
    """This cache is open."""
    if cache not in _open:
        _open.append(cache)


def closed(cache: Answering) -> None:
    """It no longer is."""
    if cache in _open:
        _open.remove(cache)


def the_open_cache() -> Answering:
    """The one cache that is open in this process. Raises ConfigurationError for none, and for several."""
    if len(_open) == 1:
        return _open[0]
    if _open:
        raise ConfigurationError(
            f"{len(_open)} caches are open in this process, so `cached` may mean any of them.",
            fix="Write @app.cached(...) or @cache.cached(...).",
        )
    raise ConfigurationError(
        "No cache is open.", fix="Start the app first, or open a Cache of your own: await cache.open()."
    )

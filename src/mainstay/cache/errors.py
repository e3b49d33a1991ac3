"""What can go wrong in the cache."""

from mainstay.base.errors import ConfigurationError


class NotCacheable(ConfigurationError):
    """A value that cannot be kept as data: the function's author has to say how."""


class StoreAway(Exception):
    """The shared store does not answer now; whoever asked computes for themselves."""

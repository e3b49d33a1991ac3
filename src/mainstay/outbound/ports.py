"""What calls to other programs need from others, in this room's own words."""

from collections.abc import MutableMapping
from typing import Protocol


class Resolve(Protocol):
    """Finds the addresses of a name."""

    async def __call__(self, host: str, port: int) -> list[str]:
        """IPv4 and IPv6 addresses as text, the best first; empty for a name that has none."""
        ...


class Carry(Protocol):
    """Adds the headers that tell the other side to which trace a call belongs."""

    def __call__(self, headers: MutableMapping[str, str]) -> None: ...

"""Protocols that two rooms need, in words that belong to neither."""

from collections.abc import Iterable
from typing import Protocol

from mainstay.base.context import Caller
from mainstay.base.events import Event

Headers = Iterable[tuple[bytes, bytes]]


class Identify(Protocol):
    """Turns a request's headers into a Caller. Refuses bad proof; no proof is the anonymous actor."""

    def recall(self, headers: Headers, request_id: str) -> Caller | None:
        """The caller if everything about it is already in memory, else None. Never does I/O."""
        ...

    async def identify(self, headers: Headers, request_id: str) -> Caller:
        """The caller. Raises SignInRequired for proof that does not hold, BadRequest or NotFound for a bad tenant."""
        ...


class Subscriber(Protocol):
    """Takes committed events from the relay, in commit order, at least once."""

    async def __call__(self, events: list[Event]) -> None: ...

"""Single flight: of those who want the same value at the same time, one computes it and all get it."""

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Landed:
    """How a flight ended: with a value, with an error, or with neither, where its leader was cancelled."""

    data: bytes | None = None
    error: Exception | None = None


class Flight:
    """One computation under way. `stamp` and `position` say what was known to be void when it began.

    `voided`: another has taken its place, or its key was deleted; then it ends for those aboard and is not kept.
    """

    __slots__ = ("_landed", "key", "position", "stamp", "voided")

    def __init__(self, key: str, stamp: int, position: int) -> None:
        self.key, self.stamp, self.position = key, stamp, position
        self.voided = False
        self._landed: asyncio.Future[Landed] = asyncio.get_running_loop().create_future()

    async def wait(self) -> Landed:
        """Wait for its end; a waiter that is cancelled disturbs nobody."""
        return await asyncio.shield(self._landed)

    def land(self, how: Landed) -> None:
        if not self._landed.done():
            self._landed.set_result(how)


class Flights:
    """The flights of one event loop."""

    def __init__(self) -> None:
        self._flying: dict[str, Flight] = {}

    def find(self, key: str) -> Flight | None:
        return self._flying.get(key)

    def start(self, key: str, stamp: int, position: int) -> Flight:
        """Begin one, in place of any other."""
        self.void(key)
        flight = self._flying[key] = Flight(key, stamp, position)
        return flight

    def land(self, flight: Flight, how: Landed) -> None:
        """End a flight, and tell everybody aboard."""
        if self._flying.get(flight.key) is flight:
            del self._flying[flight.key]
        flight.land(how)

    def void(self, key: str) -> None:
        """Let nobody join the flight of this key any more, nor keep what it brings."""
        flight = self._flying.pop(key, None)
        if flight is not None:
            flight.voided = True

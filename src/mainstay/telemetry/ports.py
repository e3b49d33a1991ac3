"""What the room takes from others, in its own words; engines and wiring fit themselves to it."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Protocol

from mainstay.base.ports import HttpScope

# Looks at something and sets figures; run before figures are told.
Look = Callable[[], None]
LookAsync = Callable[[], Awaitable[None]]


class Sink(Protocol):
    """Where lines go."""

    def write(self, lines: Sequence[str]) -> None:
        """Take whole lines, without their ends. From any thread; never raises: a log is no reason to stop."""
        ...

    def close(self) -> None: ...


class Tracer(Protocol):
    """Spans of requests and of statements, made only where the request is sampled."""

    def started(self, scope: HttpScope) -> None:
        """Decide whether the request is traced; leaves its trace id in `scope["mainstay.trace_id"]`."""
        ...

    def finished(self, scope: HttpScope, status: int) -> None:
        """The end of a request that was told of as started."""
        ...

    def follows(self) -> bool:
        """Whether the work in progress is traced."""
        ...

    def carry(self, headers: MutableMapping[str, str]) -> None:
        """Add the headers that tell another program which span its work belongs to, where there is one."""
        ...

    def statement(self, name: str, sql: str | None, system: str, seconds: float) -> None:
        """A statement that ended just now and took so long, as a span below the current one. Never its values."""
        ...

    def close(self) -> None:
        """Send what waits, for a few seconds at most. Blocks."""
        ...

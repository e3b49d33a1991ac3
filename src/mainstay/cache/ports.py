"""What the cache needs from others, in its own words: where entries are kept, and who tells of changes elsewhere."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mainstay.cache.codec import Codec
from mainstay.cache.naming.tags import Tag
from mainstay.cache.naming.whose import Shared


@dataclass(frozen=True, slots=True)
class Entry:
    """One kept value. `expires` is on the clock's monotonic scale; `cost` the seconds it took to compute.

    `stamp` and `position` say what was known to be void when its computation began: in this process (None: it was
    computed in another), and in the log.
    """

    data: bytes
    tags: tuple[str, ...]
    expires: float
    cost: float
    stamp: int | None
    position: int


@dataclass(frozen=True, slots=True)
class Want:
    """What is wanted: a key, the tags it will have, for how many seconds it counts, how eagerly it is refreshed.

    `early` is XFetch's beta (Vattani et al., 2015): 0 never refreshes before the end, 1 is the usual choice.
    """

    key: str
    tags: tuple[str, ...]
    ttl: float
    early: float = 0.0

    @property
    def tagged(self) -> bool:
        """Whether changes void it, beyond clearing everything."""
        return len(self.tags) > 1


class Answering(Protocol):
    """What a decorated function needs of a cache."""

    def want(self, name: tuple[Any, ...], ttl: float, tags: Iterable[Tag], shared: Shared, early: float) -> Want: ...

    async def answer(
        self, want: Want, compute: Callable[[], Awaitable[Any]], codec: Codec, shared: Shared, none_ttl: float = -1
    ) -> Any: ...

    def answer_here(
        self, want: Want, compute: Callable[[], Any], codec: Codec, shared: Shared, none_ttl: float = -1
    ) -> Any: ...

    async def forget(self, key: str) -> None: ...


@dataclass(slots=True)
class Lease:
    """Leave to fill one key, until it ends or is taken away. `versions` are the tags' as they were when it began."""

    key: str
    token: str
    versions: dict[str, str] = field(default_factory=dict)


class Store(Protocol):
    """Where entries are kept. It may forget early; it may never answer late, nor with what was voided in it.

    `shared`: whether other processes keep theirs there too. Then each call may raise StoreAway; else none waits.
    """

    shared: bool

    def peek(self, key: str) -> Entry | None:
        """The entry, where telling takes no I/O; None also where it would."""
        ...

    async def read(self, key: str, tags: Sequence[str]) -> Entry | None:
        """The entry. `tags` are those it is expected to have."""
        ...

    async def begin(
        self, key: str, tags: Sequence[str], *, lease: float, ttl: float, force: bool = False
    ) -> tuple[Lease | None, Entry | None]:
        """Ask for leave to fill: a lease where nobody else has one (`force`: even so), and the entry if there is."""
        ...

    async def keep(self, lease: Lease, entry: Entry) -> bool:
        """Keep the entry and end the lease; False, and nothing is kept, where lease or tags were voided meanwhile."""
        ...

    async def renew(self, lease: Lease, seconds: float) -> None:
        """Hold a lease for longer."""
        ...

    async def release(self, lease: Lease) -> None:
        """End a lease without filling."""
        ...

    async def delete(self, key: str) -> None:
        """Forget the entry, and take away the lease of whoever is filling it."""
        ...

    async def void(self, tags: Iterable[str]) -> None:
        """Whatever has one of these tags is void from now on, for every process."""
        ...

    def twin(self) -> "Store":
        """The same store for use on another event loop."""
        ...

    async def close(self) -> None:
        """Let go of connections. The store may be used again afterwards."""
        ...


class VoidLog(Protocol):
    """Tells this process what was voided in any process, in an order that all of them share."""

    def follow(self) -> None:
        """From now on it matters: somebody uses tags."""
        ...

    async def ready(self) -> None:
        """Wait for a moment where following has only just begun."""
        ...

    def position(self) -> int:
        """How far the log has been read here."""
        ...

    def fresh(self, tags: Iterable[str], position: int) -> bool:
        """Whether the log, as far as it has been read, voids none of these tags after the position."""
        ...

    def blind(self) -> bool:
        """Whether what was voided a moment ago may be unknown here: then nothing that has tags is believed."""
        ...

    async def announce(self, tenant: str, tags: Sequence[str]) -> None:
        """Have every process void these."""
        ...


class NoLog:
    """For a cache on its own: what is voided is known to this process and to the store."""

    def follow(self) -> None:
        """Nothing to follow."""

    async def ready(self) -> None:
        """It always is."""

    def position(self) -> int:
        return 0

    def fresh(self, tags: Iterable[str], position: int) -> bool:
        return True

    def blind(self) -> bool:
        return False

    async def announce(self, tenant: str, tags: Sequence[str]) -> None:
        """Nobody else listens."""

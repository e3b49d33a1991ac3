"""Entries in the process's own memory: bounded in bytes and in number, the least recently used go first."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from mainstay.base.clock import Clock, SystemClock
from mainstay.cache.ports import Entry, Lease

# What Python needs around an entry's bytes: the key, the objects, the place in the table. Measured: some 480.
OVERHEAD = 512


class Memory:
    """One process's store. Thread-safe. An entry larger than an eighth of the whole is not kept."""

    shared = False

    def __init__(self, *, most_bytes: int = 64 << 20, most_entries: int = 50_000, clock: Clock | None = None) -> None:
        self.most_bytes, self.most_entries = most_bytes, most_entries
        self._clock = clock or SystemClock()
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._entries)

    def peek(self, key: str) -> Entry | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        # `<=`: an entry is gone at its deadline.
        if entry.expires <= self._clock.monotonic():
            self._forget(key, entry)
            return None
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
        return entry

    async def read(self, key: str, tags: Sequence[str]) -> Entry | None:
        return self.peek(key)

    async def begin(
        self, key: str, tags: Sequence[str], *, lease: float, ttl: float, force: bool = False
    ) -> tuple[Lease | None, Entry | None]:
        # One process: whoever asks is the one who fills. What was voided meanwhile shows in the entry's stamp.
        return Lease(key, ""), None

    async def keep(self, lease: Lease, entry: Entry) -> bool:
        size = _size(lease.key, entry)
        if size > self.most_bytes // 8:
            return False
        with self._lock:
            before = self._entries.pop(lease.key, None)
            if before is not None:
                self.bytes -= _size(lease.key, before)
            self._entries[lease.key] = entry
            self.bytes += size
            while self.bytes > self.most_bytes or len(self._entries) > self.most_entries:
                key, oldest = self._entries.popitem(last=False)
                self.bytes -= _size(key, oldest)
                self.evicted += 1
        return True

    async def renew(self, lease: Lease, seconds: float) -> None:
        """Leases do not end here."""

    async def release(self, lease: Lease) -> None:
        """Nobody waits for it."""

    async def delete(self, key: str) -> None:
        entry = self._entries.get(key)
        if entry is not None:
            self._forget(key, entry)

    async def void(self, tags: Iterable[str]) -> None:
        """The entries' stamps tell."""

    def twin(self) -> "Memory":
        return self

    async def close(self) -> None:
        with self._lock:
            self._entries.clear()
            self.bytes = 0

    def _forget(self, key: str, entry: Entry) -> None:
        with self._lock:
            if self._entries.get(key) is entry:
                del self._entries[key]
                self.bytes -= _size(key, entry)


def _size(key: str, entry: Entry) -> int:
    return OVERHEAD + len(key) + len(entry.data) + sum(map(len, entry.tags))

"""Identifiers: time-ordered UUIDs (RFC 9562 §5.7) and request ids."""

import os
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last = 0
# Drawn by the page: each call to the system's source gives up the interpreter's lock, and gets it back only when a
# busy writer thread lets go of it.
_random = bytearray()
_PAGE = 4096


def uuid7() -> UUID:
    """A UUIDv7 that is greater than every one this process made before (RFC 9562 §6.2, method 3).

    48 bits of milliseconds, 12 bits of sub-millisecond time, 62 random bits.
    """
    global _last
    nanoseconds = time.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    stamp = milliseconds << 12 | rest * 4096 // 1_000_000
    with _lock:
        # The clock may stand still or step back; the stamp may not.
        _last = stamp = max(stamp, _last + 1)
        drawn = _draw(8)
    high = (stamp >> 12) << 16 | 0x7000 | stamp & 0xFFF
    low = 1 << 63 | int.from_bytes(drawn, "big") >> 2
    return UUID(int=high << 64 | low)


def _draw(count: int) -> bytes:
    # Called under the lock.
    if len(_random) < count:
        _random.extend(os.urandom(_PAGE))
    drawn = bytes(_random[-count:])
    del _random[-count:]
    return drawn


# A child would draw the same bytes as its parent.
os.register_at_fork(after_in_child=_random.clear)


def request_id() -> str:
    """A fresh request id: 32 hex digits."""
    with _lock:
        return _draw(16).hex()

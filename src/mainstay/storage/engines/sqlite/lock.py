"""The one fair lock that every writer of a SQLite file takes, in this process and in others."""

import ctypes
import errno
import fcntl
import os
import threading
import time
from collections import deque
from pathlib import Path

from mainstay.base.errors import Unavailable

_PAUSE = 0.0002
# `fcntl.flock` gives up the interpreter's lock, and under load a thread that gave it up is long in getting it back,
# four times a transaction. These calls never wait (LOCK_NB, LOCK_UN), so there is nothing to give it up for.
_libc = ctypes.PyDLL(None, use_errno=True)


class FairLock:
    """First come, first served among this process's threads; taking turns among processes.

    Between processes it is two files: `<db>-lock` is held while writing, `<db>-turn` by whoever is next. A process
    that wants to write again must queue for the turn behind the one already waiting, so none starves.
    Not bound to a thread: one may take it and another release it. Both files vanish with no harm.
    """

    def __init__(self, database: Path) -> None:
        self._paths = (Path(f"{database}-turn"), Path(f"{database}-lock"))
        self._mutex = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Event] = deque()
        self._turn = self._lock = -1

    def open(self) -> None:
        """Make the lock files. Raises OSError where the folder cannot be written."""
        self._turn, self._lock = (os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666) for path in self._paths)

    @property
    def is_open(self) -> bool:
        return self._lock >= 0

    def close(self) -> None:
        for descriptor in (self._turn, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._turn = self._lock = -1

    def acquire(self, timeout: float) -> None:
        """Wait for the lock. Raises Unavailable after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        self._acquire_here(timeout)
        try:
            self._acquire_across(deadline)
        except BaseException:
            self._hand_on()
            raise

    def try_acquire(self) -> bool:
        """Take the lock if nobody has it and nobody waits for it; never waits."""
        with self._mutex:
            if self._held:
                return False
            self._held = True
        taken = False
        try:
            if _flock(self._turn, fcntl.LOCK_EX | fcntl.LOCK_NB):
                try:
                    taken = _flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                finally:
                    _flock(self._turn, fcntl.LOCK_UN)
        finally:
            if not taken:
                self._hand_on()
        return taken

    def release(self) -> None:
        """Let the next one in. Call once per acquire."""
        _flock(self._lock, fcntl.LOCK_UN)
        self._hand_on()

    def _acquire_here(self, timeout: float) -> None:
        with self._mutex:
            if not self._held:
                self._held = True
                return
            mine = threading.Event()
            self._waiting.append(mine)
        if mine.wait(timeout):
            return
        with self._mutex:
            # The holder may have handed it over between the timeout and here.
            if mine.is_set():
                return
            self._waiting.remove(mine)
        raise _busy()

    def _hand_on(self) -> None:
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._held = False

    def _acquire_across(self, deadline: float) -> None:
        _poll(self._turn, deadline)
        try:
            _poll(self._lock, deadline)
        finally:
            _flock(self._turn, fcntl.LOCK_UN)


class HeldFile:
    """A lock file held until let go of, or until the process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> "HeldFile | None":
        """The held file, or None while somebody else holds it."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    async def alive(self) -> bool:
        return self._descriptor >= 0

    async def let_go(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _poll(descriptor: int, deadline: float) -> None:
    # Polled, because a blocking flock() knows no deadline; only another process's writing makes it wait at all.
    while not _flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):
        if time.monotonic() >= deadline:
            raise _busy()
        time.sleep(_PAUSE)


def _flock(descriptor: int, operation: int) -> bool:
    """As flock(2); False where another process holds the lock. Raises OSError for every other failure."""
    if _libc.flock(descriptor, operation) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EWOULDBLOCK, errno.EINTR):
        return False
    raise OSError(number, os.strerror(number))


def _busy() -> Unavailable:
    return Unavailable(
        "The database is busy; try again.",
        fix="A writer held the lock for long: look for long transactions in sessions, jobs or other programs.",
    )

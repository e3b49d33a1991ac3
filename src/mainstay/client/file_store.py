"""Tokens in a file that only its owner reads, shared by processes."""

import fcntl
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mainstay.client.errors import ClientError
from mainstay.client.stores import Tokens


class FileStore:
    """A file of mode 0600, replaced as a whole; `<path>.lock` beside it is held while tokens are exchanged.

    Raises ClientError for a file that others may read: what was in it is nobody's secret any more.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        # What was read, and which file it was read of: one that was replaced has another number.
        self._known: tuple[tuple[int, int], Tokens | None] | None = None

    def read(self, *, fresh: bool = False) -> Tokens | None:
        known = self._known
        try:
            if not fresh and known is not None and known[0] == _mark(self.path.stat()):
                return known[1]
            with self.path.open() as file:
                found = os.fstat(file.fileno())
                if found.st_mode & 0o077:
                    raise ClientError(f"{self.path} can be read by others: remove it and sign in again.")
                tokens = Tokens.from_text(file.read())
        except FileNotFoundError:
            return None
        self._known = (_mark(found), tokens)
        return tokens

    def write(self, tokens: Tokens | None) -> None:
        if tokens is None:
            self.path.unlink(missing_ok=True)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}-")  # made with mode 0600
        try:
            with os.fdopen(handle, "w") as file:
                file.write(tokens.as_text())
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(name)
            raise

    def acquire(self) -> Callable[[], None] | None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Of this opening of the file, so that it keeps threads apart as well; gone with the process.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return lambda: os.close(handle)


def _mark(found: os.stat_result) -> tuple[int, int]:
    return found.st_ino, found.st_mtime_ns

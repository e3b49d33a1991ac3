"""Where lines go: standard error, and a file that is turned when it has grown."""

import contextlib
import fcntl
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from mainstay.base.errors import ConfigurationError
from mainstay.telemetry.ports import Sink

# What a pipe keeps together when several workers write to it (PIPE_BUF).
BYTES_AT_ONCE = 4096


class Stream:
    """Standard error, as it is at the time; or a stream that was given."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, lines: Sequence[str]) -> None:
        stream = self._stream or sys.stderr
        with self._lock, contextlib.suppress(OSError, ValueError):
            for text in _together(lines):
                stream.write(text)
                stream.flush()

    def close(self) -> None:
        """Nothing: it is not ours."""


class TurnedFile:
    """A file that becomes `<file>.1` when it has `size` bytes; the oldest of `count` is dropped.

    Several processes may write to one: each sees that another has turned it. A full disk costs lines, not requests.
    """

    def __init__(self, path: Path, size: int, count: int) -> None:
        self._path, self._size, self._count = path, size, count
        self._lock = threading.Lock()
        self._descriptor = -1

    def open(self) -> None:
        """Open or make the file. Raises ConfigurationError where that cannot be done."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = self._opened()
        except OSError as error:
            raise ConfigurationError(
                f"MAINSTAY_LOG_FILE {self._path} cannot be written: {error.strerror}.",
                fix="Name a file in a folder that the server may write to.",
            ) from error

    def write(self, lines: Sequence[str]) -> None:
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
        with self._lock, contextlib.suppress(OSError):
            if self._descriptor < 0:
                return
            self._turn_if_full(len(data))
            # Appended by the system in one piece, whoever else writes.
            os.write(self._descriptor, data)

    def close(self) -> None:
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._descriptor = -1

    def _turn_if_full(self, more: int) -> None:
        if self._moved():
            self._again()
        size = os.fstat(self._descriptor).st_size
        if size == 0 or size + more <= self._size:
            return
        # A lock of its own: the file itself is what moves.
        lock = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._moved():
                for number in range(self._count - 1, 0, -1):
                    with contextlib.suppress(FileNotFoundError):
                        os.replace(f"{self._path}.{number}", f"{self._path}.{number + 1}")
                os.replace(self._path, f"{self._path}.1")
            self._again()
        finally:
            os.close(lock)

    def _moved(self) -> bool:
        """Whether another file, or none, lies at the path by now: turned by another process, or by logrotate."""
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            return True
        ours = os.fstat(self._descriptor)
        return (there.st_ino, there.st_dev) != (ours.st_ino, ours.st_dev)

    def _again(self) -> None:
        fresh = self._opened()
        os.close(self._descriptor)
        self._descriptor = fresh

    def _opened(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


class Both:
    """Several sinks, one after the other."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = tuple(sinks)

    def write(self, lines: Sequence[str]) -> None:
        for sink in self._sinks:
            sink.write(lines)

    def close(self) -> None:
        for sink in self._sinks:
            sink.close()


def _together(lines: Sequence[str]) -> list[str]:
    pieces: list[str] = []
    piece: list[str] = []
    size = 0
    for line in lines:
        length = (len(line) if line.isascii() else len(line.encode("utf-8", "replace"))) + 1
        if piece and size + length > BYTES_AT_ONCE:
            pieces.append("\n".join(piece) + "\n")
            piece, size = [], 0
        piece.append(line)
        size += length
    return [*pieces, "\n".join(piece) + "\n"] if piece else pieces

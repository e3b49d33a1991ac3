"""One folder for the figures of all processes of a server: whoever is asked answers for all.

Each process holds a lock on a file of its own as long as it lives and lays its figures beside it every other second.
Whoever answers adds up the others' with its own. A lock that can be had belongs to a process that ended: what it
counted is added to `ended`, so that counters never go back, and its gauges are dropped.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from mainstay.base.errors import ConfigurationError
from mainstay.telemetry.metrics.families import Family, added, unpacked

ENDED = "ended"


class SharedFigures:
    """This process's place in the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._lock: int | None = None

    def open(self) -> None:
        """Take a place. Raises ConfigurationError for a folder that cannot be used or that others may write to."""
        folder = self._folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            about = folder.stat()
            if about.st_uid != os.geteuid() or about.st_mode & 0o022:
                raise ConfigurationError(
                    f"MAINSTAY_METRICS_FOLDER {folder} belongs to or may be written by others.",
                    fix=f"chmod 700 {folder}, as the user that serves.",
                )
            # Not while another one looks whose locks can be had: this one can, for a moment.
            with self._held():
                self._lock = os.open(self._path("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._lock, fcntl.LOCK_EX)
        except OSError as error:
            raise ConfigurationError(
                f"MAINSTAY_METRICS_FOLDER {folder} cannot be used: {error.strerror}.",
                fix="Name a folder that the server may write to.",
            ) from error

    def close(self, families: list[Family]) -> None:
        """Leave the last figures, and let go of the place: the next who answers adds them to those that ended."""
        if self._lock is None:
            return
        with contextlib.suppress(OSError):
            self.publish(families)
        os.close(self._lock)
        self._lock = None

    def publish(self, families: list[Family]) -> None:
        """Lay this process's figures where the others see them. Raises OSError when the disk is full."""
        self._write(self._path("json"), families)

    def gathered(self, own: list[Family]) -> list[Family]:
        """The figures of all: this process's own as they are now, the others' as they last told. Blocks shortly."""
        with self._held():
            self._fold()
            others = [self._read(path) for path in sorted(self._folder.glob("*.json")) if path != self._path("json")]
        without = [[family for family in group if family.how != "here"] for group in others]
        return added([own, *without])

    def take(self, name: str) -> int | None:
        """A lock that one process has at a time, as a descriptor to close; None while another has it."""
        descriptor = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return descriptor

    def _fold(self) -> None:
        for lock in self._folder.glob("*-*.lock"):
            if lock == self._path("lock"):
                continue
            try:
                descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:  # it lives
                os.close(descriptor)
                continue
            figures = lock.with_suffix(".json")
            left = [family for family in self._read(figures) if family.kind != "gauge"]
            ended = self._folder / f"{ENDED}.json"
            self._write(ended, added([self._read(ended), left]))
            figures.unlink(missing_ok=True)
            lock.unlink(missing_ok=True)
            os.close(descriptor)

    def _path(self, suffix: str) -> Path:
        return self._folder / f"{self._name}.{suffix}"

    def _read(self, path: Path) -> list[Family]:
        try:
            packed: list[Any] = orjson.loads(path.read_bytes())
            return [unpacked(each) for each in packed]
        except (OSError, ValueError, TypeError, IndexError):
            # Not there yet, or left by another version of the program.
            return []

    def _write(self, path: Path, families: list[Family]) -> None:
        # A dot, and no `.json`: nobody reads what is half written.
        draft = path.with_name(f".{self._name}.draft")
        draft.write_bytes(orjson.dumps([family.packed() for family in families]))
        draft.replace(path)

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        descriptor = os.open(self._folder / "gather", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

"""What comes after commits that did not wait for the disk: the log is brought there, and copied into the file."""

import logging
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from mainstay.base.errors import Unavailable
from mainstay.storage.engines.sqlite.connect import Connection
from mainstay.storage.engines.sqlite.library import sqlite
from mainstay.storage.engines.sqlite.writer import Item, acknowledge

log = logging.getLogger("mainstay.storage")
# Commits after which the log is copied into the file; SQLite's own check does it within a commit, on the loop.
CHECKPOINT_AFTER = 100


class Syncing:
    """A thread that brings commits to the disk and has their loop told; another copies the log into the file."""

    def __init__(self, path: Path, connect: Callable[[], Connection], synced: Callable[[list[Item]], None]) -> None:
        self._path, self._synced = path, synced
        self._queue: queue.SimpleQueue[list[Item] | None] = queue.SimpleQueue()
        self._log = -1
        self._checkpoints = Checkpoints(connect)
        self._thread = threading.Thread(target=self._run, name="mainstay-sync", daemon=True)
        self._thread.start()

    def submit(self, group: list[Item]) -> None:
        self._queue.put(group)

    def stop(self) -> None:
        """Finish what was submitted, then end. Blocks."""
        self._queue.put(None)
        self._thread.join()
        self._checkpoints.stop()

    def _run(self) -> None:
        commits = 0
        try:
            while (group := self._queue.get()) is not None:
                try:
                    self._sync()
                except OSError as error:
                    log.exception("The write-ahead log could not be brought to the disk.")
                    for item in group:
                        item.error = item.error or Unavailable(
                            "Whether the write will last is not known.", fix=f"The disk says: {error.strerror}."
                        )
                self._tell(group)
                commits += 1
                if commits >= CHECKPOINT_AFTER:
                    commits = 0
                    self._checkpoints.wanted()
        finally:
            if self._log >= 0:
                os.close(self._log)

    def _sync(self) -> None:
        if self._log < 0:
            # SQLite keeps no lock on this file, so that opening and closing it beside SQLite breaks none.
            self._log = os.open(f"{self._path}-wal", os.O_RDWR | os.O_CLOEXEC)
        os.fdatasync(self._log)

    def _tell(self, group: list[Item]) -> None:
        try:
            group[0].loop.call_soon_threadsafe(self._synced, group)
        except RuntimeError:
            # The loop was closed while its write was under way.
            acknowledge(group)


class Checkpoints:
    """A thread of its own that copies the log into the file: it waits for the disk longer than any write may."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._woken = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="mainstay-checkpoint", daemon=True)
        self._thread.start()

    def wanted(self) -> None:
        """Copy what can be copied, soon."""
        self._woken.set()

    def stop(self) -> None:
        """End after what is under way. Blocks."""
        self._stopping = True
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        connection = None
        try:
            while self._woken.wait() and not self._stopping:
                self._woken.clear()
                try:
                    connection = connection or self._connect()
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                except sqlite.Error as error:
                    # A full disk, say. The log keeps everything, and the next time may be better.
                    log.warning("The write-ahead log could not be copied into the database yet: %s.", error)
        finally:
            if connection is not None:
                connection.close()

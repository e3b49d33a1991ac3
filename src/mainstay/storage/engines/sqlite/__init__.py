"""SQLite in one file: readers that never wait, one fair writer lock, group commit."""

from mainstay.storage.engines.sqlite.engine import SQLite

__all__ = ["SQLite"]

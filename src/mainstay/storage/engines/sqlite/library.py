"""The one SQLite library of this process. Nothing else imports a SQLite driver."""

from pysqlite3 import dbapi2 as sqlite  # type: ignore[import-untyped]  # ships no types

__all__ = ["sqlite"]

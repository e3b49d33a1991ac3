"""The one SQLite library of this process. Nothing else imports a SQLite driver."""

try:
    from pysqlite3 import dbapi2 as sqlite  # type: ignore[import-untyped]  # ships no types
except ModuleNotFoundError:
    # Where pysqlite3 has no wheel. An older SQLite then serves one process alone (see connect.claim_alone).
    import sqlite3 as sqlite

OWN_DRIVER = sqlite.__name__.startswith("pysqlite3")

__all__ = ["OWN_DRIVER", "sqlite"]

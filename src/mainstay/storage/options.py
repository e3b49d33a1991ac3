"""How a database is reached and how patient it is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """`url` serves requests; `system_url` (PostgreSQL) owns the tables, migrates and relays. Times are in seconds."""

    url: str
    system_url: str | None = None
    # A statement that takes longer is stopped and answered 503.
    statement_timeout: float = 10.0
    # How long a writer waits for its turn (SQLite), or a request for a connection (PostgreSQL).
    lock_timeout: float = 5.0
    acquire_timeout: float = 5.0
    # SQLite: a read on the event loop that takes longer is run again on a thread.
    loop_deadline: float = 0.005
    reader_threads: int = 2
    # PostgreSQL: connections per process, for requests and for the system's own work.
    pool_size: int = 10
    system_pool_size: int = 3
    session_pool_size: int = 5
    # Development only: work under a role that row security does not bind.
    relaxed: bool = False

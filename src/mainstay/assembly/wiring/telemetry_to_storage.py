"""Telemetry meets storage: statements are timed, and the database's pools, queue and relay are looked at."""

from datetime import UTC, datetime
from pathlib import Path

from mainstay.storage import Database, Relay
from mainstay.telemetry import Telemetry


class StorageFigures:
    """Sets the gauges of the database and its relay when figures are asked for."""

    def __init__(self, telemetry: Telemetry, database: Database, relay: Relay) -> None:
        self._database, self._relay = database, relay
        gauge = telemetry.metrics.gauge
        self._pool = gauge("mainstay_database_connections", "Connections of a pool, by state.", ("pool", "state"))
        self._waiting = gauge("mainstay_database_waiting", "Requests that wait for a connection of a pool.", ("pool",))
        self._queue = gauge("mainstay_database_writer_queue", "Writes that wait for SQLite's writer.")
        self._up = gauge("mainstay_database_up", "Whether the database answers: 1 or 0.", how="here")
        self._lag = gauge(
            "mainstay_relay_lag_seconds", "Age of the oldest change that is not yet delivered.", how="here"
        )
        telemetry.metrics.look(self.look)
        telemetry.look(self.ask)

    def look(self) -> None:
        """What this process has open."""
        figures = self._database.engine.figures()
        if "writer_queue" in figures:
            self._queue.set(figures["writer_queue"])
        for pool in sorted({name.partition("_")[0] for name in figures if name.endswith("_open")}):
            idle = figures[f"{pool}_idle"]
            self._pool.set(idle, pool, "idle")
            self._pool.set(figures[f"{pool}_open"] - idle, pool, "in_use")
            self._pool.set(figures[f"{pool}_size"] - figures[f"{pool}_open"], pool, "unopened")
            self._waiting.set(figures[f"{pool}_waiting"], pool)

    async def ask(self) -> None:
        """What the database knows, the same for every process."""
        self._up.set(0)
        self._lag.forget()
        if not self._database.is_open:
            return
        oldest = await self._relay.oldest()
        self._up.set(1)
        self._lag.set(0.0 if oldest is None else max(0.0, (datetime.now(UTC) - oldest).total_seconds()))


def watch_storage(telemetry: Telemetry, database: Database) -> None:
    """Time the statements of a database that is not open yet, and the room left on its disk."""
    traced = telemetry.options.trace is not None
    if traced or telemetry.slow != float("inf"):
        database.watch(telemetry, every=traced)
    file = getattr(database.engine, "path", None)
    if isinstance(file, Path):
        telemetry.place("database", file.parent)

"""All resources' rows over one database."""

from mainstay.base.clock import Clock, SystemClock
from mainstay.resources.cursors import Cursors
from mainstay.resources.plan.planner import Planner
from mainstay.resources.records.resource_records import ResourceRecords
from mainstay.resources.registry import Registry
from mainstay.storage import Database


class Records:
    """The records of every resource of a registry: `records["books"]`."""

    def __init__(
        self, registry: Registry, database: Database, *, cursor_key: bytes, clock: Clock | None = None
    ) -> None:
        self.registry = registry
        self.database = database
        self.clock = clock or SystemClock()
        self._planner = Planner(registry, database.dialect, Cursors(cursor_key))
        self._resources = {entry.name: ResourceRecords(self._planner, database, entry) for entry in registry}

    def __getitem__(self, name: str) -> ResourceRecords:
        return self._resources[name]

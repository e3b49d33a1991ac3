"""All resources' rows over one database."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from mainstay.base.actor import ADMIN, ANONYMOUS, Actor
from mainstay.base.clock import Clock, SystemClock
from mainstay.base.context import Caller
from mainstay.base.errors import NotFound, Rejected
from mainstay.base.ids import uuid7
from mainstay.resources.answers import Written
from mainstay.resources.changes import Once, Operation
from mainstay.resources.cursors import Cursors
from mainstay.resources.plan.change.write_planner import WritePlanner
from mainstay.resources.records.collection import Collection
from mainstay.resources.records.commit import Change, commit
from mainstay.resources.records.resource_records import ResourceRecords
from mainstay.resources.registry import Registry
from mainstay.storage import Database


class Records:
    """The records of every resource of a registry: `records["books"]`. Resources added later are found as well."""

    def __init__(
        self, registry: Registry, database: Database, *, cursor_key: bytes, clock: Clock | None = None
    ) -> None:
        self.registry = registry
        self.database = database
        self.clock = clock or SystemClock()
        self._planner = WritePlanner(registry, database.dialect, Cursors(cursor_key), self.clock)
        self._resources: dict[str, ResourceRecords] = {}

    def __getitem__(self, name: str) -> ResourceRecords:
        found = self._resources.get(name)
        if found is None:
            entry = self.registry[name]
            found = ResourceRecords(self._planner, self.database, entry, self.clock, self)
            self._resources[name] = found
        return found

    def of(self, model: type[Any]) -> Collection:
        """Rows for users' own code, on behalf of the caller of the work in progress."""
        return Collection(self[self.registry.of(model).name])

    # A database check is handed the records, and asks as a route does: records(Book).
    __call__ = of

    def readable(self, actor: Actor) -> list[str]:
        """The names of the resources of which this actor may read something."""
        found = []
        for entry in self.registry:
            with suppress(Rejected):
                self._planner.lens(entry, actor)
                found.append(entry.name)
        return found

    async def warm(self) -> None:
        """Plan what is asked first, so that nobody waits for it: as a visitor, a member and an administrator see it."""
        for actor in (Actor(uuid7()), ANONYMOUS, Actor(uuid7(), frozenset({ADMIN}))):
            await self._planner.warm(actor)

    async def batch(
        self, caller: Caller, operations: Sequence[Operation], *, once: Once | None = None
    ) -> list[Written]:
        """Carry out operations on any resources in one transaction, all or none, in their order.

        The refusal of one carries its place in `extra["operation"]`.
        """
        changes: list[Change] = []
        for index, operation in enumerate(operations):
            try:
                changes.append(self._change(caller, operation))
            except Rejected as refused:
                refused.extra["operation"] = index
                raise
        return await commit(self.database, caller, changes, once, places="operations")

    def _change(self, caller: Caller, operation: Operation) -> Change:
        if operation.resource not in self.registry:
            raise NotFound(f"There is no resource named {operation.resource[:80]!r}.", code="unknown_resource")
        return self[operation.resource].change(caller, operation)

"""The control plane, for rooms that keep tables there: Core statements in, Python values out."""

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, Self, TypeVar, cast

from sqlalchemy import Dialect

from mainstay.base.tenant import SystemScope
from mainstay.storage.database import Database
from mainstay.storage.engines.short_script import ShortScript
from mainstay.storage.statement import Rows, Script, Statement, compile_statement

T = TypeVar("T")
Step = tuple[Statement, Mapping[str, Any]]
# The columns whose values are converted, and how.
Reading = tuple[tuple[int, Callable[[Any], Any]], ...]


class Heard(Step):
    """A step that is told its own rows: by `in_turn`, inside the transaction, on whichever thread writes."""

    hear: Callable[[Rows], None]

    @classmethod
    def by(cls, hear: Callable[[Rows], None], step: Step) -> Self:
        heard = cls(step)
        heard.hear = hear
        return heard


class ControlPlane:
    """Runs statements over control-plane tables in the system's scope. Each statement is compiled once."""

    def __init__(self, database: Database, system: SystemScope) -> None:
        self._database = database
        self._system = system
        # The Core statement is kept beside its plan: an id alone could come to mean another statement.
        self._plans: dict[int, tuple[Any, Statement, Reading]] = {}

    @property
    def dialect(self) -> Dialect:
        """What statements are compiled for, where they have to differ."""
        return self._database.dialect

    def plan(self, core: Any) -> Statement:
        """The compiled form of a Core statement."""
        return self._planned(core)[1]

    def _planned(self, core: Any) -> "tuple[Any, Statement, Reading]":
        known = self._plans.get(id(core))
        if known is None:
            statement = compile_statement(core, self._database.dialect)
            reading = tuple((index, read) for index, read in enumerate(statement.readers) if read is not None)
            known = self._plans[id(core)] = core, statement, reading
        return known

    def step(self, core: Any, **values: Any) -> Step:
        """What a script yields to run this statement."""
        return self.plan(core), values

    def read(self, core: Any, rows: Rows) -> Rows:
        """Rows that a script received, as Python values."""
        return _read(self._planned(core)[2], rows)

    async def fetch(self, core: Any, **values: Any) -> Rows:
        """Run one query and answer its rows as Python values."""
        _, statement, reading = self._planned(core)
        rows = self._database.fetch_now(self._system, statement, values)
        return _read(reading, await self._database.fetch(self._system, statement, values) if rows is None else rows)

    async def write(self, script: Generator[Step, Rows, T], *, single: bool = False) -> T:
        """Run a script in one transaction; an exception in it undoes everything. `single` promises one statement."""
        return await self._database.write(self._system, script, single=single)

    async def write_short(self, make: Callable[[], Generator[Step, Rows, T]]) -> T:
        """Run a script of a few quick statements in one transaction, as `write`; SQLite writes it on the event loop.

        It may be made and run twice (see ShortScript), so it does nothing outside the database.
        """
        return await self._database.write(self._system, cast("Script[T]", ShortScript(make)))


def _read(reading: Reading, rows: Rows) -> Rows:
    # Most columns are what the driver gives, and most of the others are often NULL.
    found: Rows = []
    for row in rows:
        values = list(row)
        for index, read in reading:
            if values[index] is not None:
                values[index] = read(values[index])
        found.append(tuple(values))
    return found


def in_turn(steps: Iterable[Step]) -> Generator[Step, Rows, None]:
    """Run steps whose rows the script does not read: `yield from in_turn(steps)` inside it."""
    for step in steps:
        rows = yield step
        if isinstance(step, Heard):
            step.hear(rows)

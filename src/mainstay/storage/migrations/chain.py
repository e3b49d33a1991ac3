"""A linear Alembic chain run on a connection that somebody else opened, locked and will commit."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Dialect

from mainstay.base.errors import ConfigurationError

Steps = Callable[[Any, Any], list[Any]]


class Chain:
    """One folder of revisions and the version table that says how far a database has come."""

    def __init__(self, folder: Path, version_table: str) -> None:
        self.folder, self.version_table = folder, version_table
        self.script = ScriptDirectory(str(folder), version_locations=[str(folder)])

    @property
    def head(self) -> str | None:
        """The newest revision. Raises ConfigurationError where the chain has branched."""
        heads = self.script.get_heads()
        if len(heads) > 1:
            raise ConfigurationError(
                f"The revisions in {self.folder} have branched: {', '.join(heads)} all come last.",
                fix="Edit down_revision in one of them, so that each follows another.",
            )
        return heads[0] if heads else None

    def current(self, connection: Connection) -> str | None:
        """The revision this database is at."""
        return MigrationContext.configure(connection, opts=self._options()).get_current_revision()

    def pending(self, connection: Connection) -> list[str]:
        """The revisions still to run, oldest first, as `revision: first line`."""
        current = self.current(connection)
        if current == self.head:
            return []
        steps = self._known(lambda: list(self.script.iterate_revisions("head", current or "base")))
        return [f"{step.revision}: {(step.doc or '').splitlines()[0] if step.doc else ''}" for step in reversed(steps)]

    def upgrade(self, connection: Connection, target: str = "head") -> list[str]:
        """Run what is missing up to `target`; answers the revisions that ran."""
        before = self.pending(connection)
        if not before and target == "head":
            return []
        self._run(connection, lambda revision, _: self.script._upgrade_revs(target, revision))
        after = set(self.pending(connection))
        return [step for step in before if step not in after]

    def downgrade(self, connection: Connection, target: str) -> None:
        """Go back to `target` (`-1`, a revision, or `base`)."""
        self._run(connection, lambda revision, _: self.script._downgrade_revs(target, revision))

    def offline(self, dialect: Dialect, start: str | None, target: str = "head") -> str:
        """The SQL that would take a database from `start` to `target`, without one at hand."""
        out = StringIO()
        context = MigrationContext.configure(
            dialect=dialect,
            opts={
                **self._options(),
                "as_sql": True,
                "output_buffer": out,
                "literal_binds": True,
                "starting_rev": start,
                "fn": lambda revision, _: self.script._upgrade_revs(target, revision),
            },
        )
        try:
            with Operations.context(context):
                context.run_migrations()
        except CommandError as error:
            raise ConfigurationError(
                f"The revisions in {self.folder} cannot be written as SQL for {dialect.name}: {error}",
                fix="SQLite alters a table by copying it, which needs the database: run mainstay migrate on it.",
            ) from error
        return out.getvalue()

    def _run(self, connection: Connection, steps: Steps) -> None:
        context = MigrationContext.configure(connection, opts={**self._options(), "fn": steps})
        with Operations.context(context):
            self._known(context.run_migrations)

    def _options(self) -> dict[str, Any]:
        return {"version_table": self.version_table, "transactional_ddl": False}

    def _known(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except CommandError as error:
            raise ConfigurationError(
                f"The revisions in {self.folder} do not fit this database: {error}",
                fix="Bring back the revision file it names, or restore the database that belongs to these files.",
            ) from error

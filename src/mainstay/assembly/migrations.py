"""The migrations of one app: its rooms' chains, and its own tables by declaration or by committed revisions."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import MetaData

from mainstay.assembly.live.tables import SCHEMA as LIVE
from mainstay.assembly.settings import Settings
from mainstay.base.errors import ConfigurationError
from mainstay.identity import SCHEMA as IDENTITY
from mainstay.mail import SCHEMA as MAIL
from mainstay.storage import Database
from mainstay.storage.migrations import Plan, check, downgrade, migrate, offline_sql, upgrade, write_revision
from mainstay.telemetry.audit import SCHEMA as AUDIT
from mainstay.tenancy import SCHEMA as TENANCY

ROOMS = (TENANCY, IDENTITY, MAIL, LIVE, AUDIT)


class Migrations:
    """What `mainstay migrate` does, and what happens when an app starts. The database need not be open."""

    def __init__(self, database: Database, settings: Settings, models: Sequence[type], folder: Path) -> None:
        self._database = database
        self._settings = settings
        metadata: dict[int, MetaData] = {}
        for model in models:
            found: MetaData = model.metadata  # type: ignore[attr-defined]  # declared_of() made sure that it is mapped
            metadata[id(found)] = found
        self._plan = Plan(rooms=ROOMS, app=tuple(metadata.values()), folder=folder)

    async def at_start(self) -> None:
        """Migrate, where the settings say so or the database is SQLite; else refuse to start when it is behind."""
        wanted = self._settings.migrate
        if wanted is None:
            wanted = self._database.name == "sqlite"
        if wanted:
            await migrate(self._database, self._plan)
            return
        missing = await check(self._database, self._plan)
        if missing:
            raise ConfigurationError(
                f"The database is behind the app: {'; '.join(missing[:5])}{' …' if len(missing) > 5 else ''}.",
                fix="Run `mainstay migrate`, or serve with --migrate.",
            )

    async def check(self) -> list[str]:
        """What is missing, in sentences; empty when the database is up to date."""
        return await check(self._database, self._plan)

    async def upgrade(self, to: str | None = None) -> list[str]:
        """Bring the database up to date, or the app's own chain to one revision; answers what was done."""
        if to is None:
            return await migrate(self._database, self._plan)
        return await upgrade(self._database, self._plan, to)

    async def downgrade(self, to: str) -> None:
        """Take the app's own chain back to a revision."""
        await downgrade(self._database, self._plan, to)

    async def write(self, message: str) -> Path | None:
        """Write the next revision into the app's folder; None when nothing differs."""
        return await write_revision(self._database, self._plan, message)

    async def sql(self) -> str:
        """The SQL of every revision, for a database that somebody else migrates."""
        return await offline_sql(self._database, self._plan)

"""Which engine serves which room: chosen by the settings, here and nowhere else."""

from mainstay.assembly.settings import Settings
from mainstay.storage import Database, DatabaseOptions, open_database


def choose_database(settings: Settings) -> Database:
    """The database of these settings, not yet open. Raises ConfigurationError for a URL that names none."""
    return open_database(
        DatabaseOptions(
            url=settings.database(),
            system_url=settings.database_system(),
            pool_size=settings.database_pool_size,
            acquire_timeout=settings.database_wait,
            lock_timeout=settings.database_wait,
            statement_timeout=settings.statement_timeout,
            relaxed=settings.relaxed,
        )
    )

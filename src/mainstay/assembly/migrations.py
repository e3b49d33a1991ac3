"""Bringing the database up to date when the app starts, or saying why it cannot."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mainstay.assembly.rooms import Rooms


async def bring_up_to_date(rooms: "Rooms") -> None:
    """Migrate on SQLite, or where the settings say so. Raises ConfigurationError for a database that is behind."""
    raise NotImplementedError

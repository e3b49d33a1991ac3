"""What a room brings to a database: its tables and its own linear chain of revisions."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import MetaData


@dataclass(frozen=True, slots=True)
class RoomSchema:
    """A room's tables and the folder of its revisions, kept in its own version table, `mainstay_<name>_version`."""

    name: str
    metadata: MetaData
    versions_folder: Path

    @property
    def version_table(self) -> str:
        return f"mainstay_{self.name}_version"

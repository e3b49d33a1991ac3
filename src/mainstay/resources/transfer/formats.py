"""The file formats that rows travel in, told by the file's ending."""

from enum import StrEnum
from pathlib import Path

from mainstay.base.errors import ConfigurationError


class FileFormat(StrEnum):
    """How a file spells rows: a CSV table with a header, one JSON array of objects, or one JSON object a line."""

    csv = "csv"
    json = "json"
    ndjson = "ndjson"


_ENDINGS = {
    ".csv": FileFormat.csv,
    ".json": FileFormat.json,
    ".ndjson": FileFormat.ndjson,
    ".jsonl": FileFormat.ndjson,
}


def format_of(path: Path) -> FileFormat:
    """The format that the ending names. Raises ConfigurationError for another ending."""
    found = _ENDINGS.get(path.suffix.lower())
    if found is None:
        raise ConfigurationError(
            f"{path.name} does not end in a format that can be read or written.",
            fix=f"Give the file one of these endings: {', '.join(_ENDINGS)}.",
        )
    return found

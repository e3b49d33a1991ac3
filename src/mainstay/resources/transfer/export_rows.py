"""A resource's rows into a file that `import_rows` reads back."""

from dataclasses import dataclass
from pathlib import Path

from mainstay.base.context import Caller
from mainstay.resources.records import Records
from mainstay.resources.transfer.formats import format_of
from mainstay.resources.transfer.progress import Progress, Watch
from mainstay.resources.transfer.stored import StoredRows
from mainstay.resources.transfer.write_file import FileWriter


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote."""

    rows: int


async def export_rows(
    records: Records, caller: Caller, resource: str, path: Path, *, progress: Watch | None = None
) -> ExportReport:
    """Write every row that the caller may read, in the order of keys.

    The file holds the key, the fields that clients may write, and the keys of rows linked many-to-many. It is read in
    keyset pages: a row that is there throughout is written exactly once. Raises ConfigurationError for a file that
    can't be written.
    """
    stored = StoredRows(records, caller, resource)
    with FileWriter(path, format_of(path), stored.columns) as file:
        async for page in stored.pages():
            file.write(page)
            if progress is not None:
                progress(Progress(file.written))
        return ExportReport(file.written)

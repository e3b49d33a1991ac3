"""Rows of a file into a resource, batch by batch; refused rows are reported and the rest go in."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import orjson

from mainstay.base.context import Caller
from mainstay.resources.records import Records
from mainstay.resources.transfer.bring import Bringing
from mainstay.resources.transfer.cells import Cells, ignored
from mainstay.resources.transfer.formats import FileFormat, format_of
from mainstay.resources.transfer.progress import Progress, Watch
from mainstay.resources.transfer.read_file import FileRow, read_file
from mainstay.resources.transfer.refusals import Refusals
from mainstay.resources.transfer.stored import StoredRows

# Keys for rows that bring none are made from the row itself, so that a second run finds what the first one wrote.
_KEYS = UUID("0f2c7a52-6e0b-5c5e-9a37-1d7d5a1b5f10")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `refusals_file` is None where no row was refused."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    refusals_file: Path | None = None


async def import_rows(
    records: Records,
    caller: Caller,
    resource: str,
    path: Path,
    *,
    batch: int = 500,
    progress: Watch | None = None,
) -> ImportReport:
    """Bring the rows of a CSV, JSON or NDJSON file in, as this caller, in transactions of `batch` rows.

    Keys in the file are kept. A row that is there already under its key stays as it is, or is changed to what the file
    says; so a second run goes on where the first one stopped. Refused rows are written to `<file>.refused.ndjson`.
    Raises ConfigurationError for a file that can't be read as a whole, and Forbidden or SignInRequired for a caller who
    may create nothing here.
    """
    form = format_of(path)
    rows = records[resource]
    spec = rows.spec
    stored = StoredRows(records, caller, resource)
    cells, passed_over = Cells(spec, stored.columns), ignored(spec)
    refusals = Refusals(path)
    bringing = Bringing(rows, caller, stored, refusals)
    size = path.stat().st_size if path.exists() else 0
    seen, checked = 0, form is not FileFormat.csv
    for found in _batches(read_file(path, form), batch):
        numbered: list[tuple[int, dict[str, Any]]] = []
        for row in found:
            if row.values is None:
                refusals.add(row.line, None, row.reason)
                continue
            if not checked:
                cells.check_columns(row.values, passed_over)
                checked = True
            kept = {name: value for name, value in row.values.items() if name not in passed_over}
            values = cells.values(kept) if form is FileFormat.csv else kept
            if spec.key.kind == "uuid" and values.get(spec.key.name) is None:
                values[spec.key.name] = _key(resource, row, values)
            numbered.append((row.line, values))
        await bringing.bring(numbered)
        refusals.flush()
        seen += len(found)
        if progress is not None:
            progress(Progress(seen, refusals.count, found[-1].position, size))
    await bringing.finish(batch)
    refusals.flush()
    report = refusals.path if refusals.count else None
    return ImportReport(bringing.created, bringing.updated, bringing.unchanged, refusals.count, report)


def _batches(rows: Iterator[FileRow], size: int) -> Iterator[list[FileRow]]:
    while found := list(islice(rows, size)):
        yield found


def _key(resource: str, row: FileRow, values: dict[str, Any]) -> str:
    told = orjson.dumps([resource, row.line, values], default=str, option=orjson.OPT_SORT_KEYS)
    return str(uuid5(_KEYS, told.decode()))

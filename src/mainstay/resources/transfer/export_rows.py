"""A resource's rows into a file that `import_rows` reads back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from mainstay.base.context import Caller
from mainstay.model.spec import ResourceSpec
from mainstay.resources.records import Records, ResourceRecords
from mainstay.resources.transfer.formats import format_of
from mainstay.resources.transfer.progress import Progress, Watch
from mainstay.resources.transfer.write_file import FileWriter


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote."""

    rows: int


async def export_rows(
    records: Records, caller: Caller, resource: str, path: Path, *, progress: Watch | None = None
) -> ExportReport:
    """Write every row that the caller may read, in the order of keys: the key, and the fields that clients may write.

    Read in keyset pages: a row that is there throughout is written exactly once. Raises ConfigurationError for a file
    that can't be written.
    """
    rows = records[resource]
    columns = export_columns(rows.spec)
    with FileWriter(path, format_of(path), columns) as file:
        async for page in pages(rows, caller, columns):
            file.write(page)
            if progress is not None:
                progress(Progress(file.written))
        return ExportReport(file.written)


def export_columns(spec: ResourceSpec) -> list[str]:
    """The fields that a file carries: enough to make the same rows again."""
    written = spec.writable("create")
    return [name for name, field in spec.fields.items() if field.readable and (name in written or field is spec.key)]


async def pages(rows: ResourceRecords, caller: Caller, columns: list[str]) -> AsyncIterator[list[dict[str, Any]]]:
    """Every row, page by page, in the order of keys, with JSON-ready values of these fields."""
    options, spec = rows.options, rows.spec
    names, envelope = options.names, options.envelope
    asked = f"{names.fields}={quote(','.join(columns))}&{names.sort}={spec.key.name}"
    asked += f"&{names.limit}={spec.options.max_page_size}"
    cursor: str | None = ""
    while cursor is not None:
        place = f"&{names.after}={cursor}" if cursor else ""
        answer = await rows.page(caller, rows.read_query((asked + place).encode()))
        found = orjson.loads(answer.body)
        yield found[envelope.items]
        cursor = found[envelope.next]

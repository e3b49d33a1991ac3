"""Rows in and out of files: CSV, JSON and NDJSON, streamed, through the same validation and policy as REST.

report = await import_rows(records, caller, "books", Path("books.csv"), progress=lambda now: print(now.done))
report.created, report.refused, report.refusals_file

await export_rows(records, caller, "books", Path("books.ndjson"))
"""

from mainstay.resources.transfer.export_rows import ExportReport, export_rows
from mainstay.resources.transfer.formats import FileFormat, format_of
from mainstay.resources.transfer.import_rows import ImportReport, import_rows
from mainstay.resources.transfer.progress import Progress

__all__ = ["ExportReport", "FileFormat", "ImportReport", "Progress", "export_rows", "format_of", "import_rows"]

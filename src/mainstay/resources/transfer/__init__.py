"""Rows in and out of files: CSV, JSON and NDJSON, streamed, through the same validation and policy as REST."""

from mainstay.resources.transfer.formats import FileFormat, format_of

__all__ = ["FileFormat", "format_of"]

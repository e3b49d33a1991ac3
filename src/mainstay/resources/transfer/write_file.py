"""Rows into a file, batch by batch; the file appears under its name only when it is complete."""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import orjson

from mainstay.base.errors import ConfigurationError
from mainstay.resources.transfer.formats import FileFormat

_QUOTED = frozenset(',"\r\n')


class FileWriter:
    """Writes rows of the given columns in a format; use as a context manager.

    CSV: a header, null as an empty cell and the empty string as `""`, lists and objects as JSON in one cell.
    Leaving the context with an exception leaves no file behind, and an older file of that name untouched.
    """

    def __init__(self, path: Path, form: FileFormat, columns: Sequence[str]) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._form = form
        self._columns = tuple(columns)
        self._file: IO[bytes] | None = None
        self.written = 0

    def __enter__(self) -> "FileWriter":
        try:
            self._file = self._part.open("wb")
        except OSError as error:
            raise ConfigurationError(
                f"{self._path} cannot be written: {error.strerror}.", fix="Choose a folder that you may write to."
            ) from None
        if self._form is FileFormat.csv:
            self._file.write(",".join(_cell(name) for name in self._columns).encode() + b"\n")
        elif self._form is FileFormat.json:
            self._file.write(b"[")
        return self

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows, each with a value for every column."""
        if self._file is None:
            raise RuntimeError("a FileWriter is used inside its `with` block")
        columns = self._columns
        if self._form is FileFormat.csv:
            lines = [",".join([_cell(row[name]) for name in columns]) + "\n" for row in rows]
            self._file.write("".join(lines).encode())
        elif self._form is FileFormat.ndjson:
            self._file.write(b"".join([orjson.dumps({n: row[n] for n in columns}) + b"\n" for row in rows]))
        else:
            for row in rows:
                self._file.write(b",\n" if self.written else b"\n")
                self._file.write(orjson.dumps({name: row[name] for name in columns}))
                self.written += 1
            return
        self.written += len(rows)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        with self._file as file:
            if kind is None:
                if self._form is FileFormat.json:
                    file.write(b"\n]\n")
                file.flush()
                os.fsync(file.fileno())
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink(missing_ok=True)


def _cell(value: Any) -> str:
    """One CSV cell (RFC 4180 §2)."""
    if value is None:
        return ""
    if value is True:
        return "true"
    if value is False:
        return "false"
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    if text == "" or not _QUOTED.isdisjoint(text):
        return '"' + text.replace('"', '""') + '"'
    return text

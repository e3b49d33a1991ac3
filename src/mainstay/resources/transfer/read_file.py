"""Rows out of a file, one at a time, each with the line it starts on; a broken row doesn't end the reading."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

from mainstay.base.errors import ConfigurationError, MalformedBody
from mainstay.resources.transfer.formats import FileFormat
from mainstay.web import parse_json

# A cell longer than this is refused with its row rather than held in memory.
LONGEST_CELL = 16 * 1024 * 1024
CHUNK = 1 << 20

_CELLS = re.compile(r'(?:^|,)("(?:[^"]|"")*"|[^,]*)')
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row: the line it starts on (from 1), and its values, or the sentence that says why it can't be read.

    `position` is how far the file has been read, in characters: for a progress bar.
    """

    line: int
    values: dict[str, Any] | None
    reason: str = ""
    position: int = 0


def read_file(path: Path, form: FileFormat) -> Iterator[FileRow]:
    """The rows of a UTF-8 file (a byte order mark is stepped over).

    CSV values are text, None for an empty cell, and "" for a cell written as `""`.
    Raises ConfigurationError for a file that is missing, or that is no such file as a whole.
    """
    try:
        # newline="" leaves line breaks inside quoted cells as they are.
        with path.open(encoding="utf-8-sig", newline="", errors="surrogateescape") as file:
            yield from {FileFormat.csv: _csv, FileFormat.json: _json, FileFormat.ndjson: _ndjson}[form](file, path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}.", fix="Check the path and its permissions."
        ) from None


class _Lines:
    """The lines of a file, counted, with those taken since the last `take()` remembered."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._taken: list[str] = []
        self.number = 0
        self.position = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._file)
        self.number += 1
        self.position += len(line)
        self._taken.append(line)
        return line

    def take(self) -> str:
        text = self._taken[0] if len(self._taken) == 1 else "".join(self._taken)
        self._taken.clear()
        return text


def _csv(file: IO[str], path: Path) -> Iterator[FileRow]:
    csv.field_size_limit(LONGEST_CELL)
    lines = _Lines(file)
    reader = csv.reader(lines, strict=True)
    try:
        names = next(reader)
    except StopIteration:
        return
    except csv.Error as error:
        raise _no_table(path, str(error)) from None
    repeated = {name for name in names if names.count(name) > 1}
    if repeated or "" in names:
        raise _no_table(
            path, f"the column {sorted(repeated)[0]!r} stands twice" if repeated else "a column has no name"
        )
    lines.take()
    width = len(names)
    while True:
        first = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.take()
            yield FileRow(first, None, f"The line is not CSV: {error}.", lines.position)
            continue
        text = lines.take()
        if not cells:
            continue
        if len(cells) != width:
            reason = f"The line has {len(cells)} cells where the header has {width}."
            yield FileRow(first, None, reason, lines.position)
            continue
        if _unencodable(text):
            yield FileRow(first, None, "The line is not UTF-8 text.", lines.position)
            continue
        # The csv module reads `""` and an empty cell alike; only lines with such a cell are looked at again.
        quoted = _quoted_empty(text, width) if '""' in text else None
        if quoted:
            values = {n: c if c or q else None for n, c, q in zip(names, cells, quoted, strict=True)}
        else:
            values = {n: c or None for n, c in zip(names, cells, strict=True)}
        yield FileRow(first, values, position=lines.position)


def _quoted_empty(text: str, width: int) -> list[bool] | None:
    cells = [cell == '""' for cell in _CELLS.findall(text.rstrip("\r\n"))]
    return cells if len(cells) == width else None


def _ndjson(file: IO[str], path: Path) -> Iterator[FileRow]:
    position = 0
    for number, line in enumerate(file, 1):
        position += len(line)
        if line.isspace():
            continue
        yield _object(number, line, position)


def _object(number: int, text: str, position: int) -> FileRow:
    if _unencodable(text):
        return FileRow(number, None, "The line is not UTF-8 text.", position)
    try:
        value = parse_json(text.encode())
    except MalformedBody as error:
        return FileRow(number, None, error.detail.replace("The body", "The row"), position)
    if not isinstance(value, dict):
        return FileRow(number, None, "The row is not a JSON object.", position)
    return FileRow(number, value, position=position)


def _json(file: IO[str], path: Path) -> Iterator[FileRow]:
    """The elements of one array, decoded one by one so that the file never stands in memory whole."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    buffer, at, line, position, wanted = "", 0, 1, 0, CHUNK
    expected = "["
    while True:
        more = file.read(wanted)
        buffer, at = buffer[at:] + more, 0
        while True:
            start = _skip(buffer, at)
            line += buffer.count("\n", at, start)
            at = start
            if at == len(buffer):
                break
            if buffer[at] == "]" and expected != "[":
                return
            if expected:
                if buffer[at] != expected:
                    raise _no_array(path, line)
                expected, at = "", at + 1
                continue
            try:
                _, end = decoder.raw_decode(buffer, at)
            except ValueError:
                break
            if end == len(buffer) and more:
                break  # a number at the end of the chunk may go on in the next
            position += end - at
            yield _object(line, buffer[at:end], position)
            line += buffer.count("\n", at, end)
            at, expected = end, ","
        if not more or len(buffer) - at > 4 * LONGEST_CELL:
            raise _no_array(path, line)
        # A row larger than a chunk is read in ever larger steps, so that it isn't decoded from its start too often.
        wanted = CHUNK if at else wanted * 2


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _unencodable(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _no_table(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(f"{path.name} is no CSV table with a header: {reason}.", fix="Correct its first line.")


def _no_array(path: Path, line: int) -> ConfigurationError:
    return ConfigurationError(
        f"{path.name} is not one JSON array of objects; line {line} breaks it.",
        fix="Correct that line, or give the file the ending .ndjson if it holds one object a line.",
    )

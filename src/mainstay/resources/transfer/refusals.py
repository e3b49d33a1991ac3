"""The report of rows that were refused: one JSON object a line, beside the imported file."""

from pathlib import Path
from typing import Any

import orjson

from mainstay.base.errors import ConfigurationError, Rejected


class Refusals:
    """Written as rows are refused; the file exists only when there is something in it."""

    def __init__(self, imported: Path) -> None:
        self.path = imported.with_name(imported.name + ".refused.ndjson")
        self.count = 0
        self._lines: list[bytes] = []
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from None

    def add(self, line: int, row: Any, error: Rejected | str) -> None:
        """Note the row that starts on this line, with the reason in words."""
        entry: dict[str, Any] = {"line": line}
        if isinstance(error, str):
            entry["reason"] = error
        else:
            entry["reason"] = "; ".join(_sentence(each.loc, each.message) for each in error.errors) or str(error)
            entry["errors"] = [each.as_dict() for each in error.errors]
        entry["row"] = row
        self._lines.append(orjson.dumps(entry, default=str) + b"\n")
        self.count += 1

    def flush(self) -> None:
        """Put what was noted on disk."""
        if not self._lines:
            return
        try:
            with self.path.open("ab") as file:
                file.write(b"".join(self._lines))
        except OSError as error:
            raise self._unwritable(error) from None
        self._lines.clear()

    def _unwritable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"The report {self.path} cannot be written: {error.strerror}.",
            fix="Copy the file to a folder that you may write to, and import it from there.",
        )


def _sentence(loc: tuple[str | int, ...], message: str) -> str:
    return f"{'.'.join(map(str, loc))}: {message}" if loc else message

"""One line for each request: JSON for machines, plain for people."""

import asyncio
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import orjson

LogFormat = Literal["json", "plain", "off"]

# Attach a handler to this logger to receive the lines instead of standard error.
ACCESS_LOGGER = logging.getLogger("mainstay.access")
FLUSH_AFTER_SECONDS = 0.1
FLUSH_AFTER_LINES = 200
# Workers share a pipe, which keeps what is written at once together up to 4 KiB.
LINES_AT_ONCE = 12


class AccessLog:
    """Writes lines in batches: a system call for each request would cost a tenth of a fast request.

    Lines reach the stream within a tenth of a second, and at `flush()`.
    """

    def __init__(self, form: LogFormat, stream: TextIO | None = None) -> None:
        self._form = form
        self._stream = stream
        self._lines: list[str] = []
        self._render: Callable[[dict[str, Any]], str] = _as_json if form == "json" else _as_text

    @property
    def enabled(self) -> bool:
        return self._form != "off"

    def write(self, entry: dict[str, Any]) -> None:
        """Take an entry of method, path, status, duration_ms, request_id, tenant, user."""
        if ACCESS_LOGGER.handlers:
            ACCESS_LOGGER.info(self._render(entry), extra={"mainstay": entry})
            return
        lines = self._lines
        lines.append(self._render(entry))
        if len(lines) == 1:
            try:
                asyncio.get_running_loop().call_later(FLUSH_AFTER_SECONDS, self.flush)
            except RuntimeError:
                self.flush()
        elif len(lines) >= FLUSH_AFTER_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        if not self._lines:
            return
        lines = self._lines
        self._lines = []
        stream = self._stream or sys.stderr
        try:
            for start in range(0, len(lines), LINES_AT_ONCE):
                stream.write("\n".join(lines[start : start + LINES_AT_ONCE]) + "\n")
                stream.flush()
        except (OSError, ValueError):
            # A closed standard error is no reason to refuse requests.
            return


def _as_json(entry: dict[str, Any]) -> str:
    line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": "request", **entry}
    try:
        return orjson.dumps(line).decode()
    except TypeError:
        line["path"] = entry["path"].encode("utf-8", "replace").decode()
        return orjson.dumps(line, default=str).decode()


def _as_text(entry: dict[str, Any]) -> str:
    # The path is the caller's: control characters in it could forge a line or drive the terminal.
    path = entry["path"] if entry["path"].isprintable() else ascii(entry["path"])
    user = entry["user"] or "-"
    return (
        f"{datetime.now().strftime('%H:%M:%S')} {entry['status']} {entry['method']:<6} {path} "
        f"{entry['duration_ms']:.1f}ms user={user} id={entry['request_id']}"
    )

"""One line for each request: JSON for machines, plain for people."""

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal, TextIO
from uuid import UUID

import orjson

from mainstay.base.ports import HttpScope
from mainstay.base.route import route_of

LogFormat = Literal["json", "plain", "off"]

# Attach a handler to this logger to receive the lines instead of standard error.
ACCESS_LOGGER = logging.getLogger("mainstay.access")
FLUSH_AFTER_SECONDS = 0.1
FLUSH_AFTER_LINES = 200
# Workers share a pipe, which keeps what is written at once together up to 4 KiB (PIPE_BUF).
BYTES_AT_ONCE = 4096

# When it ended, method, path, template of the route, status, seconds, request id, trace id, tenant, user, who acts as
# that user.
Entry = tuple[float, str, str, str | None, int, float, str, str | None, str | None, str | None, UUID | None]


class AccessLog:
    """Notes each request as it ends, and renders and writes the lines in batches.

    A system call for each request would cost a tenth of a fast request. Lines reach the stream within a tenth of a
    second, and at `flush()`. `write` takes whole lines, without their ends, in place of the stream.
    """

    def __init__(
        self, form: LogFormat, stream: TextIO | None = None, *, write: Callable[[Sequence[str]], None] | None = None
    ) -> None:
        self._form = form
        self._stream = stream
        self._write = write or self._to_stream
        self._entries: list[Entry] = []
        self._render = _as_json if form == "json" else _as_text

    @property
    def enabled(self) -> bool:
        return self._form != "off"

    def started(self, scope: HttpScope) -> None:
        """Nothing: a line is written when its request has ended."""

    def finished(self, scope: HttpScope, status: int, seconds: float) -> None:
        """Note this request; the caller is taken from `scope["mainstay.caller"]`, where one is known."""
        caller = scope.get("mainstay.caller")
        tenant = user = acting = None
        if caller is not None:
            user, acting = caller.actor.key or None, caller.actor.impersonator_id
            tenant = None if caller.scope is None else caller.scope.key
        route = scope.get("mainstay.route")
        if route is None and "route" in scope:
            route = route_of(scope)
        entries = self._entries
        entries.append((
            time.time(), scope["method"], scope["path"], route, status, seconds,
            scope.get("mainstay.request_id", ""), scope.get("mainstay.trace_id"), tenant, user, acting,
        ))  # fmt: skip
        self._soon()

    def _soon(self) -> None:
        entries = self._entries
        if len(entries) == 1:
            try:
                asyncio.get_running_loop().call_later(FLUSH_AFTER_SECONDS, self.flush)
            except RuntimeError:
                self.flush()
        elif len(entries) >= FLUSH_AFTER_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        entries, self._entries = self._entries, []
        if not entries or ACCESS_LOGGER.level > logging.INFO:
            return
        lines = [self._render(entry) for entry in entries]
        if ACCESS_LOGGER.handlers:
            for line, entry in zip(lines, entries, strict=True):
                ACCESS_LOGGER.info(line, extra={"mainstay": _fields(entry)})
            return
        self._write(lines)

    def _to_stream(self, lines: Sequence[str]) -> None:
        stream = self._stream or sys.stderr
        try:
            for text in together(lines):
                stream.write(text)
                stream.flush()
        except (OSError, ValueError):
            # A closed standard error is no reason to refuse requests.
            return


def together(lines: Sequence[str]) -> Sequence[str]:
    """The lines with their ends, joined into pieces that a pipe keeps whole; a longer line is a piece of its own."""
    pieces: list[str] = []
    size, start = 0, 0
    for place, line in enumerate(lines):
        length = (len(line) if line.isascii() else len(line.encode("utf-8", "replace"))) + 1
        if size and size + length > BYTES_AT_ONCE:
            pieces.append("\n".join(lines[start:place]) + "\n")
            size, start = 0, place
        size += length
    pieces.append("\n".join(lines[start:]) + "\n")
    return pieces


def _fields(entry: Entry) -> dict[str, Any]:
    _, method, path, route, status, seconds, request_id, trace_id, tenant, user, acting = entry
    return {
        "method": method,
        "path": path,
        "route": route,
        "status": status,
        "duration_ms": round(seconds * 1000, 2),
        "request_id": request_id,
        "trace_id": trace_id,
        "tenant": tenant,
        "user": user,
        **({} if acting is None else {"impersonator": str(acting)}),
    }


def _as_json(entry: Entry) -> str:
    # By hand: to build a dict of it and dump that takes three times as long. What callers and servers choose freely is
    # left to orjson; ids are ours, and the Spine takes none from a caller that would need escaping.
    at, method, path, route, status, seconds, request_id, trace_id, tenant, user, acting = entry
    return (
        f'{{"at":"{_moment(at)},"level":"info","logger":"mainstay.access","event":"request",'
        f'"method":{_METHODS.get(method) or _text(method)},"path":{_text(path)},'
        f'"route":{_ROUTES.get(route) or _route(route)},"status":{status},"duration_ms":{seconds * 1000:.2f},'
        f'"request_id":"{request_id}",'
        f'"trace_id":{_NULL if trace_id is None else _quoted(trace_id)},'
        f'"tenant":{_NULL if tenant is None else _quoted(tenant)},"user":{_NULL if user is None else _quoted(user)}'
        f"{'' if acting is None else _acting(acting)}}}"
    )


_NULL = "null"
_quoted = '"{}"'.format
_acting = ',"impersonator":"{}"'.format
_METHODS = {method: f'"{method}"' for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")}
# Templates of routes as JSON: there are as many as routes, and each is written many times.
_ROUTES: dict[str | None, str] = {None: _NULL}
_MOST_ROUTES = 2000


def _route(route: str | None) -> str:
    known = _text(route or "")
    if len(_ROUTES) < _MOST_ROUTES:
        _ROUTES[route] = known
    return known


def _text(text: str) -> str:
    try:
        return orjson.dumps(text).decode()
    except TypeError:
        # Half of a surrogate pair, from a path that was not UTF-8.
        return orjson.dumps(text.encode("utf-8", "replace").decode()).decode()


_MILLISECONDS = [f'.{number:03d}Z"' for number in range(1000)]
_second, _second_text = 0, ""


def _moment(at: float) -> str:
    """RFC 3339 in UTC with milliseconds, and the closing quote. The text of the same second is remembered."""
    global _second, _second_text
    second = int(at)
    if second != _second:
        _second, _second_text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
    return _second_text + _MILLISECONDS[int((at - second) * 1000)]


def _as_text(entry: Entry) -> str:
    at, method, path, _, status, seconds, request_id, _, _, user, acting = entry
    # The path is the caller's: control characters in it could forge a line or drive the terminal.
    path = path if path.isprintable() else ascii(path)
    by = "" if acting is None else f" impersonator={acting}"
    return (
        f"{datetime.fromtimestamp(at).strftime('%H:%M:%S')} {status} {method:<6} {path} "
        f"{seconds * 1000:.1f}ms user={user or '-'}{by} id={request_id}"
    )

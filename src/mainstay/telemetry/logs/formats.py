"""The two forms of a line: JSON for machines, plain for people. Both name the request, the caller and the trace."""

import logging
import traceback
from datetime import UTC, datetime
from typing import Any

import orjson

from mainstay.base.context import current_caller
from mainstay.telemetry.logs.redact import redacted, redacted_value
from mainstay.telemetry.request import current_request

MOST_MESSAGE, MOST_EXCEPTION = 16_000, 32_000
_OF_RECORDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
_OF_LINES = frozenset(
    {"at", "level", "logger", "event", "request_id", "trace_id", "tenant", "user", "impersonator", "exception"}
)


def about_now() -> dict[str, str]:
    """What the work in progress is: request id, trace id, tenant, user, who acts as them; as far as they are known."""
    scope, found = current_request(), {}
    caller = current_caller()
    if scope is not None:
        found["request_id"] = scope.get("mainstay.request_id", "")
        found["trace_id"] = scope.get("mainstay.trace_id") or ""
        caller = caller or scope.get("mainstay.caller")
    if caller is not None:
        found["request_id"] = found.get("request_id") or caller.request_id
        found["tenant"] = caller.scope.key if caller.scope is not None else ""
        found["user"] = caller.actor.key
        if caller.actor.impersonator_id is not None:
            found["impersonator"] = str(caller.actor.impersonator_id)
    return {name: value for name, value in found.items() if value}


class JsonFormatter(logging.Formatter):
    """One JSON object a record, on one line: at, level, logger, event, who and where, then the record's own extras."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": redacted(_message(record)),
            **about_now(),
        }
        for name, value in _extras(record).items():
            line[f"extra_{name}" if name in _OF_LINES else name] = redacted_value(name, value)
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = {
                "type": record.exc_info[0].__qualname__,
                "message": redacted(_first(str(record.exc_info[1]), MOST_MESSAGE)),
                "stack": _stack(record),
            }
        return _dumped(line)


class PlainFormatter(logging.Formatter):
    """A line for people: time, level, logger, message, extras; a traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        about = {**about_now(), **{name: redacted_value(name, value) for name, value in _extras(record).items()}}
        about.pop("tenant", None)
        words = [f"{name}={value}" for name, value in about.items()]
        text = " ".join([
            datetime.fromtimestamp(record.created).strftime("%H:%M:%S"),
            f"{record.levelname:<7} {record.name}:",
            _printable(redacted(_message(record))),
            *map(_printable, words),
        ])  # fmt: skip
        if record.exc_info and record.exc_info[0] is not None:
            text += "\n" + _stack(record).rstrip()
        return text


def _message(record: logging.LogRecord) -> str:
    try:
        return _first(record.getMessage(), MOST_MESSAGE)
    except Exception:  # arguments that do not fit: the line is worth more than the complaint
        return _first(f"{record.msg} {record.args}", MOST_MESSAGE)


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _OF_RECORDS and name[0] != "_"}


def _stack(record: logging.LogRecord) -> str:
    text = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    # Its end says what happened.
    return redacted(text if len(text) <= MOST_EXCEPTION else f"…{text[-MOST_EXCEPTION:]}")


def _first(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _printable(text: str) -> str:
    # Line ends in what somebody sent could forge a line, escape sequences drive the terminal.
    return text if text.isprintable() else "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _dumped(line: dict[str, Any]) -> str:
    try:
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError):
        # Half of a surrogate pair, a number of more than 64 bits.
        return orjson.dumps({name: _utf8(value) for name, value in line.items()}).decode()


def _utf8(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name).encode("utf-8", "replace").decode(): _utf8(each) for name, each in value.items()}
    return str(value).encode("utf-8", "replace").decode()

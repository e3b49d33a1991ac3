"""The log of slow statements: which one, how long it took, never what it was given."""

import hashlib
import logging
import re
import time
from functools import lru_cache

from mainstay.telemetry.metrics.metrics import Counter

log = logging.getLogger("mainstay.slow")
# When everything is slow, saying so of everything makes it slower.
LINES_A_SECOND = 20
_VERB = re.compile(
    r"\b(?:(INSERT)\s+(?:OR\s+\w+\s+)?INTO|(UPDATE)|(DELETE)\s+FROM|(?:FROM(?:\s+s\s*,)?|JOIN))\s+(?:ONLY\s+)?"
    r"(\"[^\"]+\"|[A-Za-z_][\w.]*)",
    re.I,
)
_LITERAL = re.compile(r"'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$", re.S)
_HINTS = frozenset({"s", "set", "select", "anon_1", "lateral", "json_each", "jsonb_to_recordset", "oldest"})


@lru_cache(1024)
def statement_name(sql: str) -> str:
    """What the statement does to which table, `SELECT books`: few names, and no values."""
    verb, table = "", ""
    # A word in a literal is a value.
    sql = _LITERAL.sub("''", sql)
    for match in _VERB.finditer(sql):
        insert, update, delete, name = match.groups()
        found = name.strip('"').rpartition(".")[2]
        if found.lower() in _HINTS:
            continue
        writes = insert or update or delete
        if writes:
            return f"{writes.upper()} {found}"
        if not table:
            verb, table = "SELECT", found
    return f"{verb} {table}" if table else (sql.split(None, 1) or ["?"])[0].upper()[:20]


def fingerprint(sql: str) -> str:
    """Eight hex digits that tell statements of the same name apart."""
    return hashlib.sha256(sql.encode()).hexdigest()[:8]


class SlowStatements:
    """Writes a line for each slow statement, at most twenty a second; all are counted."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._second, self._lines, self._left_out = 0, 0, 0

    def tell(self, name: str, sql: str | None, system: str, seconds: float) -> None:
        """`sql` is its text where that holds no values."""
        self._counter.add(name)
        if not log.hasHandlers():
            # A script or a command that set up no logging: two words without their figures would tell nobody anything.
            return
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines > LINES_A_SECOND:
            self._left_out += 1
            return
        extra: dict[str, object] = {
            "statement": name, "database": system, "duration_ms": round(seconds * 1000, 1)
        }  # fmt: skip
        if sql is not None:
            extra["fingerprint"] = fingerprint(sql)
        if self._left_out:
            extra["left_out"], self._left_out = self._left_out, 0
        log.warning("slow statement", extra=extra)

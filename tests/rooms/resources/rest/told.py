"""What every refusal looks like, and texts that have broken other servers."""

import re
from typing import Any

import httpx

HOSTILE = [
    "'; DROP TABLE books; --",
    '" OR 1=1 --',
    "%",
    "_",
    "\\",
    "%%'",
    "*",
    '"',
    "(",
    "a AND",
    "NEAR(",
    "title:x",
    "-x",
    "^a",
    "a*",
    "''",
    "a' OR 'a'='a",
    "$1",
    ":tenant",
    "?",
    "\u202e",
    "\U0001f600" * 20,
    "\ufeff",
    "\u017f",
    "\u0130",
    "a\tb\nc",
    "null",
    "NaN",
    "1e999",
    "{}",
    "[]",
    "<script>",
    "../..",
]
LEAKS = re.compile(r"Traceback|sqlite|asyncpg|sqlalchemy|SELECT |INSERT |UPDATE |syntax error|/src/", re.IGNORECASE)


def told(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    """The problem document of a refusal with one of these statuses."""
    assert answer.status_code in statuses, f"{answer.status_code}: {answer.text[:500]}"
    assert answer.headers["content-type"] == "application/problem+json"
    assert not LEAKS.search(answer.text), answer.text[:2000]
    problem: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "instance", "code", "request_id"} <= set(problem)
    assert problem["status"] == answer.status_code
    return problem


def fine(answer: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text[:500]
    assert isinstance(answer.json()["items"], list)

"""One thing that was looked at."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it is: `warn` works and should not stay so, `fail` does not work."""

    ok = "ok"
    warn = "warn"
    fail = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was found, and what to do about it."""

    state: State
    about: str
    found: str
    do: str = ""


def ok(about: str, found: str) -> Finding:
    return Finding(State.ok, about, found)


def warn(about: str, found: str, do: str) -> Finding:
    return Finding(State.warn, about, found, do)


def fail(about: str, found: str, do: str) -> Finding:
    return Finding(State.fail, about, found, do)

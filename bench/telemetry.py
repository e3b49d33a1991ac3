"""What telemetry adds to one request, in microseconds: its log line, its figures, its trace; and to one statement."""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from mainstay.base.actor import Actor
from mainstay.base.context import Caller
from mainstay.base.ids import request_id
from mainstay.base.tenant import TenantScope
from mainstay.storage.engines.watched import WatchedEngine  # house: door: what a traced request's statements go through
from mainstay.telemetry import LogOptions, Telemetry, TelemetryOptions, TraceOptions

ROUNDS, TIMES = 7, 20_000
HEADERS = [
    (b"host", b"127.0.0.1:8000"), (b"user-agent", b"wrk"), (b"accept", b"*/*"), (b"authorization", b"Bearer x"),
]  # fmt: skip
# One bar for each, where there is one.
SAMPLED, MOST_SHARE = "trace, 1% sampled", 5
BARS = {"access line": 2.0, "figures": 1.5}


def measured() -> dict[str, float]:
    """Microseconds by what is measured. Takes a few seconds."""
    return asyncio.run(_measured())


async def _measured() -> dict[str, float]:
    user, tenant = UUID(int=7 << 64), UUID(int=9 << 64)
    caller = Caller(Actor(user), TenantScope(tenant), "")
    ids = [request_id() for _ in range(64)]
    turn = 0

    def scope() -> dict[str, Any]:
        nonlocal turn
        turn += 1
        return {
            "type": "http", "method": "GET", "path": "/api/v1/posts", "headers": HEADERS, "scheme": "http",
            "mainstay.request_id": ids[turn % 64], "mainstay.caller": caller, "mainstay.route": "/api/v1/posts",
        }  # fmt: skip

    nothing = _microseconds(scope)
    plain = Telemetry(TelemetryOptions(LogOptions("json")), stream=_Nowhere())
    found = {
        "access line": _microseconds(lambda: plain.access_log.finished(scope(), 200, 0.000_2)) - nothing,
        "figures": _seen(plain, scope) - nothing,
    }
    for name, ratio in (("trace, none sampled", 0.0), (SAMPLED, 0.01), ("trace, all sampled", 1.0)):
        traced = Telemetry(TelemetryOptions(LogOptions("off"), trace=TraceOptions(ratio, exporter="none")))
        await traced.open()
        found[name] = _seen(traced, scope) - nothing - found["figures"]
        await traced.close()
    found |= _statements()
    return found


def _seen(telemetry: Telemetry, scope: Callable[[], dict[str, Any]]) -> float:
    observer = telemetry.observer

    def once() -> None:
        one = scope()
        observer.started(one)
        observer.finished(one, 200, 0.000_2)

    return _microseconds(once)


def _statements() -> dict[str, float]:
    telemetry, engine = Telemetry(TelemetryOptions(LogOptions("off"))), _Engine()
    bare = _microseconds(lambda: engine.fetch_now(None, None, None))
    watched = {each: WatchedEngine(engine, telemetry, every=each) for each in (False, True)}  # type: ignore[arg-type]  # as much of an engine as is called
    return {
        "statement, slow ones logged": _microseconds(lambda: watched[False].fetch_now(None, None, None)) - bare,  # type: ignore[arg-type]  # nothing is bound
        "statement, traced app": _microseconds(lambda: watched[True].fetch_now(None, None, None)) - bare,  # type: ignore[arg-type]  # likewise
    }


def _microseconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(TIMES):
            work()
        best = min(best, time.thread_time() - began)
    return best / TIMES * 1e6


class _Engine:
    """Answers at once."""

    name, dialect = "sqlite", None

    def fetch_now(self, scope: Any, statement: Any, values: Any) -> list[Any]:
        return []

    def again_now(self, bound: Any, arguments: Any) -> list[Any]:
        return []


class _Nowhere:
    """Lines are rendered, and go nowhere."""

    def write(self, lines: Any) -> None:
        return

    def close(self) -> None:
        return


def section(figures: dict[str, float], rate: float | None = None) -> list[str]:
    """The lines of the report; with the rate of list-20 on SQLite, traces are held against a whole request."""
    lines = ["", "What telemetry adds, in microseconds of one core:", "", "| what | µs | bar |", "|---|---|---|"]
    for name, value in figures.items():
        bar = BARS.get(name)
        told = "" if bar is None else f"≤ {bar}: " + ("met" if value <= bar else "NOT met")
        if name == SAMPLED and rate:
            share = value * rate / 1e4
            told = f"≤ {MOST_SHARE}% of list-20, is {share:.1f}%: " + ("met" if share <= MOST_SHARE else "NOT met")
        lines.append(f"| {name} | {max(0.0, value):.2f} | {told} |")
    return lines


if __name__ == "__main__":
    print("\n".join(section(measured())))

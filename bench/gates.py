"""What every request passes, in microseconds: the limit check, and a token that is remembered."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mainstay import Mainstay
from mainstay.assembly.settings import Settings
from mainstay.limits import LimitsOptions, Rate
from mainstay.limits.budget import Budget  # house: door: the check alone
from mainstay.limits.policy import Policy  # house: door: what it is made from

ROUNDS, TIMES = 15, 2_000
LIMITS = LimitsOptions(tiers={"free": "1000000/second", "admin": None})
BARS = {"limit check with its six headers": None, "limit check": 1.0, "authentication, warm": 2.0}


def measured() -> dict[str, float]:
    """Microseconds by what is measured. Takes a few seconds."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measured(Path(folder)))


async def _measured(folder: Path) -> dict[str, float]:
    settings = Settings(environment="testing", database_url=f"sqlite:///{folder}/gates.db", log_format="off")
    app = Mainstay(settings=settings, limits=LIMITS)
    app.configure(folder=folder)
    async with app.running():
        rooms = app.rooms
        await rooms.identity.create_user("reader@example.org", "correct horse battery staple")
        tokens = await rooms.identity.sign_in("reader@example.org", "correct horse battery staple")
        headers = [(b"host", b"127.0.0.1"), (b"authorization", b"Bearer " + tokens.access_token.encode())]
        caller = await rooms.identify.identify(headers, "bench")
        recall, limiter = rooms.identify.recall, rooms.limiter

        def scope() -> dict[str, Any]:
            return {"type": "http", "method": "GET", "path": "/api/v1/posts", "headers": headers}

        await limiter.admit(scope(), caller)
        budget = Budget(Policy("free", Rate.parse("1000000/second")), "bench")

        def check() -> None:
            now = time.monotonic()
            if not budget.look(now):
                budget.take(now)

        nothing = await _microseconds(scope)
        if recall(headers, "bench") is None:
            raise RuntimeError("The token is not remembered.")
        return {
            "limit check": await _microseconds(check),
            "limit check with its six headers": await _microseconds(lambda: limiter.admit_now(scope(), caller))
            - nothing,
            "authentication, warm": await _microseconds(lambda: recall(headers, "bench")),
        }


async def _microseconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        # Revocations are heard in between; without them nothing is remembered.
        await asyncio.sleep(0.01)
        began = time.thread_time()
        for _ in range(TIMES):
            work()
        best = min(best, time.thread_time() - began)
    return best / TIMES * 1e6


def section(figures: dict[str, float]) -> list[str]:
    """The lines of the report."""
    lines = ["", "What every request passes, in microseconds of one core:", "", "| what | µs | bar |", "|---|---|---|"]
    for name, value in figures.items():
        bar = BARS[name]
        told = "" if bar is None else f"≤ {bar}: " + ("met" if value <= bar else "NOT met")
        lines.append(f"| {name} | {value:.2f} | {told} |")
    return lines

"""Turns the figures of a run into the table people read, and into a verdict."""

import os
import platform
import statistics
from collections import defaultdict

from bench.servers import Load

BARS = {
    ("sqlite", "list"): 0.60, ("sqlite", "get"): 0.75, ("sqlite", "create"): 0.60,
    ("postgresql", "list"): 0.70, ("postgresql", "get"): 0.70, ("postgresql", "create"): 0.60,
}  # fmt: skip
# The first release's bars: list-20 without limits.
UNLIMITED = "mainstay, limits off"
FIRST_BARS = {"sqlite": 0.40, "postgresql": 0.50}
NAMES = {"list": "list-20", "get": "get-one", "create": "create, durable"}
# Ours may be this much slower than the original in one run before the difference is more than noise.
NOISE = 0.93


class Figures:
    """Every measurement of a run, by who, engine and work; repeated rounds are read as medians."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str], list[Load]] = defaultdict(list)
        # Rows of the table about growth and footprint: what, engine, figure, bar.
        self.growth: list[str] = []

    def add(self, who: str, engine: str, work: str, seen: Load) -> None:
        self._seen[who, engine, work].append(seen)

    def rate(self, who: str, engine: str, work: str) -> float | None:
        seen = self._seen.get((who, engine, work))
        return statistics.median(one.rate for one in seen) if seen else None

    def p99(self, who: str, engine: str, work: str) -> float:
        return statistics.median(one.p99 for one in self._seen[who, engine, work])

    def engines(self) -> list[str]:
        return list(dict.fromkeys(engine for _, engine, _ in self._seen))

    def ratio(self, engine: str, work: str, against: str, who: str = "mainstay") -> float | None:
        ours, theirs = self.rate(who, engine, work), self.rate(against, engine, work)
        return ours / theirs if ours and theirs else None

    def wrong_answers(self) -> int:
        """Of Mainstay; the hand-written API now and then answers "database is locked"."""
        ours = (seen for (who, *_), seen in self._seen.items() if who.startswith("mainstay"))
        return sum(one.failures for seen in ours for one in seen)

    def slow_yardsticks(self) -> list[str]:
        """Sentences about the yardsticks of ours that are slower than their originals."""
        found = []
        for engine in self.engines():
            for ours, original in (("floor", "original floor"), ("hand-written", "original hand")):
                for work in NAMES:
                    ratio = self.ratio(engine, work, original, ours)
                    if ratio is not None and ratio < NOISE:
                        found.append(f"{ours} {NAMES[work]} on {engine} reaches {ratio:.2f} of its original")
        return found

    def verdict(self) -> int:
        return 1 if self.wrong_answers() or self.slow_yardsticks() else 0


def render(figures: Figures) -> str:
    """The Markdown report."""
    lines = [
        "# Bench results",
        "",
        f"One `make bench` on {os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()}):",
        "the server on one core, wrk with 32 connections on the other. The absolute figures are this machine's; the",
        "ratios are the point. Mainstay answers the honest load: 1,000 tokens over 10 tenants, mixed limits, cursors",
        "and filters, one write per 50 reads whose result the next read must show, a 401 and a foreign-tenant 404",
        "asserted; authentication, tenant, policy, limits, entity tags, metrics, request id and JSON access log on;",
        "PostgreSQL through the role that cannot bypass row security. The yardsticks answer one request over and over.",
        "",
        "| work | engine | mainstay/s | p99 ms | floor/s | of the floor | hand-written/s | times hand-written | bar |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for engine in figures.engines():
        for work, name in NAMES.items():
            ours = figures.rate("mainstay", engine, work)
            if ours is None:
                continue
            of_floor, of_hand = figures.ratio(engine, work, "floor"), figures.ratio(engine, work, "hand-written")
            bar = BARS.get((engine, work))
            met = ""
            if bar is not None and of_floor is not None:
                met = f"≥ {bar:.2f}: " + ("met" if of_floor >= bar else "NOT met")
            lines.append(
                f"| {name} | {engine} | {ours:,.0f} | {figures.p99('mainstay', engine, work):.2f} "
                f"| {figures.rate('floor', engine, work) or 0:,.0f} | {of_floor or 0:.2f} "
                f"| {figures.rate('hand-written', engine, work) or 0:,.0f} | {of_hand or 0:.1f} × | {met} |"
            )
    for engine in figures.engines():
        first = figures.ratio(engine, "list", "floor", UNLIMITED)
        if first is not None:
            bar = FIRST_BARS[engine]
            lines.append(
                f"| list-20, limits off | {engine} | {figures.rate(UNLIMITED, engine, 'list'):,.0f} "
                f"| {figures.p99(UNLIMITED, engine, 'list'):.2f} | {figures.rate('floor', engine, 'list'):,.0f} "
                f"| {first:.2f} | {figures.rate('hand-written', engine, 'list') or 0:,.0f} "
                f"| {figures.ratio(engine, 'list', 'hand-written', UNLIMITED) or 0:.1f} × "
                f"| ≥ {bar:.2f}: {'met' if first >= bar else 'NOT met'} (first release) |"
            )
    if figures.growth:
        lines += ["", "What grows (in the process, without the server's fixed costs) and what a server weighs:", ""]
        lines += ["| what | engine | figure | bar |", "|---|---|---|---|", *figures.growth]
    lines += ["", f"Wrong answers: {figures.wrong_answers()}."]
    slow = figures.slow_yardsticks()
    lines += ["Yardsticks against their originals: " + ("; ".join(slow) + "." if slow else "none is slower."), ""]
    return "\n".join(lines)

"""`make bench`: Mainstay against the floor and the hand-written API, in one run on one core, on both databases.

Prints requests/s, p99 and the ratios, and writes RESULTS.md. Exits 1 when an answer was wrong or when our yardsticks
are slower than the originals they were rewritten from (looked for in ../shared/floor, or --originals).
"""

import argparse
import asyncio
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import jwt

from bench import gates, growth, refresh
from bench import identity as signing_in
from bench.footprint import Footprint
from bench.postgres import analyze, fresh_databases
from bench.report import UNLIMITED, Figures, render
from bench.servers import BIN, HERE, PORT, Load, granian, load, serving, uvicorn
from bench.telemetry import measured, section

ROOT = HERE.parent
WORKS = ("list", "get", "create")
TOKEN = jwt.encode({"sub": "1"}, "x" * 40, algorithm="HS256")


@dataclass
class Bench:
    """One run: where it works, how long each measurement lasts, how often each is repeated."""

    folder: Path
    seconds: int
    rounds: int
    originals: Path | None
    figures: Figures = field(default_factory=Figures)

    def python(self, script: Path, **env: str) -> None:
        subprocess.run([sys.executable, str(script)], cwd=self.folder, env={**os.environ, **env}, check=True)

    def measure(self, who: str, engine: str, work: str, path: str, script: str, **env: str) -> None:
        load(path, 2, script, token="" if who.startswith("mainstay") else TOKEN, env=env)
        seen = load(path, self.seconds, script, token="" if who.startswith("mainstay") else TOKEN, env=env)
        self.figures.add(who, engine, work, seen)
        print(f"  {engine:10} {who:14} {work:7} {seen.rate:9.0f}/s  p99 {seen.p99:7.2f} ms  {told(seen)}", flush=True)

    def yardsticks(self, engine: str, address: str, floor_address: str) -> None:
        """The floor and the hand-written API, and the originals of both where they are at hand."""
        ours = HERE / "yardsticks"
        self.plain("floor", engine, granian("floor:app"), ours, floor_address, ("list", "get", "create"))
        self.plain("hand-written", engine, uvicorn("handwritten:app"), ours, address, ("list", "get", "create"))
        if self.originals:
            kind = "sqlite" if engine == "sqlite" else floor_address
            mode = "sqlite" if engine == "sqlite" else "pg"
            read, write = granian("floor_read:app"), granian("floor_write:app")
            self.plain("original floor", engine, read, self.originals, kind, ("list",))
            self.plain(
                "original floor", engine, write, self.originals, floor_address, ("create",), path="/w", MODE=mode
            )
            by_hand = uvicorn("handwritten:app")
            self.plain("original hand", engine, by_hand, self.originals, address, ("list", "create"))

    def plain(
        self, who: str, engine: str, command: list[str], code: Path, address: str, works: tuple[str, ...],
        path: str = "/posts", **env: str,
    ) -> None:  # fmt: skip
        with serving(command, {"DB": address, "PYTHONPATH": str(code), **env}, self.folder):
            for work in works:
                mode = "post" if work == "create" else "get"
                # Post 4241 belongs to tenant 1, whose token the load carries.
                target = f"{path}/4241" if work == "get" else path
                self.measure(who, engine, work, target, "plain.lua", MODE_OF_LOAD=mode)

    def compare(self, engine: str, urls: dict[str, str], address: str, floor_address: str) -> None:
        """One round on one engine: seed the yardsticks, then measure everybody one after the other."""
        self.python(HERE / "yardsticks" / "seed.py", DB=address)
        self.mainstay(engine, urls)
        self.yardsticks(engine, address, floor_address)

    def mainstay(self, engine: str, urls: dict[str, str]) -> None:
        """Mainstay under the honest load, as `mainstay serve` serves it in production, one worker."""
        callers = self.folder / f"callers-{engine}.tsv"
        settings = {**urls, "MAINSTAY_ENVIRONMENT": "production", "MAINSTAY_TENANT_FROM": "token",
                    "MAINSTAY_SIGN_UP": "false", "MAINSTAY_SECRET_KEY": secrets.token_urlsafe(48)}  # fmt: skip
        migrate = [str(BIN / "mainstay"), "migrate", str(HERE / "app.py")]
        subprocess.run(migrate, cwd=self.folder, env={**os.environ, **settings}, check=True, stdout=subprocess.DEVNULL)
        self.python(HERE / "prepare.py", CALLERS=str(callers), **settings)
        if engine == "postgresql":
            # As the yardsticks' seed does: a minute later the server would by itself.
            asyncio.run(analyze(urls["MAINSTAY_DATABASE_SYSTEM_URL"]))
        serve = [str(BIN / "mainstay"), "serve", str(HERE / "app.py"), "--port", str(PORT), "--workers", "1"]
        with serving(serve, settings, self.folder, ready="/livez"):
            for work in WORKS:
                self.measure("mainstay", engine, work, "/", "honest.lua", WORK=work, CALLERS=str(callers))
        # The first bars were set before there were limits.
        with serving(serve, {**settings, "BENCH_LIMITS": "off"}, self.folder, ready="/livez"):
            self.measure(UNLIMITED, engine, "list", "/", "honest.lua", WORK="list", CALLERS=str(callers))


def told(seen: Load) -> str:
    words = {"lists_checked", "cursor_pages", "writes", "readbacks", "denied", "foreign"}
    checks = " ".join(f"{name}={value:.0f}" for name, value in seen.details.items() if name in words)
    return (f"{seen.failures} WRONG ANSWERS " if seen.failures else "") + checks


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=6, help="length of one measurement (default 6)")
    parser.add_argument("--rounds", type=int, default=1, help="repeat everything; medians are reported")
    parser.add_argument("--engines", default="sqlite,postgresql")
    parser.add_argument("--originals", type=Path, default=ROOT.parent / "shared" / "floor")
    parser.add_argument("--no-growth", action="store_true", help="leave out the million rows")
    parser.add_argument("--no-results", action="store_true", help="print only; do not write RESULTS.md")
    asked = parser.parse_args()
    require("wrk", "taskset")
    originals = asked.originals.resolve() if asked.originals.is_dir() else None
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), asked.seconds, asked.rounds, originals)
        for turn in range(asked.rounds):
            for engine in asked.engines.split(","):
                one_round(bench, engine, turn)
        bench.figures.growth = Footprint.measure(bench.folder).lines()
        if not asked.no_growth:
            print("  growth: databases of a million rows are filled first", flush=True)
            for grown in growth.run(asked.engines.split(","), bench.folder):
                bench.figures.growth += grown.lines()
    passed, added = gates.measured(), measured()
    told_of = [*gates.section(passed), *section(added, bench.figures.rate("mainstay", "sqlite", "list"))]
    told_of += [*signing_in.section(signing_in.measured(asked.seconds)), *rotations(asked.engines.split(",")), ""]
    report = render(bench.figures) + "\n".join(told_of)
    print(report)
    if not asked.no_results:
        (HERE / "RESULTS.md").write_text(report)
    return bench.figures.verdict()


def rotations(engines: list[str]) -> list[str]:
    """The lines about refresh tokens, a line for each engine."""
    lines: list[str] = []
    for engine in engines:
        if engine == "sqlite":
            lines += refresh.section(engine, refresh.measured())
        else:
            with fresh_databases() as addresses:
                lines += refresh.section(engine, refresh.measured(addresses.mainstay))
    return lines


def one_round(bench: Bench, engine: str, turn: int) -> None:
    if engine == "sqlite":
        for left in bench.folder.glob("t.db*"):
            left.unlink()
        urls = {"MAINSTAY_DATABASE_URL": f"sqlite:///{bench.folder}/mainstay-{turn}.db"}
        bench.compare(engine, urls, "sqlite+aiosqlite:///t.db", "t.db")
    else:
        with fresh_databases() as addresses:
            address = addresses.floor.replace("postgresql://", "postgresql+asyncpg://")
            bench.compare(engine, addresses.mainstay, address, addresses.floor)


def require(*programs: str) -> None:
    missing = [name for name in programs if shutil.which(name) is None]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-qy", "wrk", "util-linux"], check=True, stdout=subprocess.DEVNULL)
    elif missing:
        sys.exit(f"make bench needs {', '.join(missing)}: as root, apt-get install wrk util-linux")


if __name__ == "__main__":
    sys.exit(main())

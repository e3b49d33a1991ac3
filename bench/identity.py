"""Sign-ins per second against what Argon2 alone allows, and the list beside a flood: `python -m bench.identity`."""

import argparse
import asyncio
import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import argon2

from bench.servers import BIN, HERE, PORT, RESULT, await_answer
from mainstay.assembly.load import load as load_app
from mainstay.identity import PasswordOptions
from mainstay.identity.credentials.hashing import NICENESS  # house: door: so that both give way alike

USERS, PASSWORD = 48, "correct horse battery staple"
# Enough to keep both cores at work, fewer than are turned away; and a flood, most of which is.
STEADY, FLOOD, READERS = 24, 128, 4
OF_ARGON2, LIST_P99 = 0.9, 25.0


@dataclass
class Figures:
    """Verifications per second in bare threads, sign-ins per second, milliseconds of the list and of the flood."""

    argon2: float
    sign_ins: float
    list_p99: float
    list_alone_p99: float
    list_rate: float
    shed: float
    flood_p99: float
    wrong: float


def measured(seconds: int) -> Figures:
    """Serve the bench's app on both cores and measure. Takes five times as long as one measurement."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        emails = folder / "emails.txt"
        emails.write_text("".join(f"user{number}@bench.example\n" for number in range(USERS)))
        settings = {
            "MAINSTAY_ENVIRONMENT": "production",
            "MAINSTAY_DATABASE_URL": f"sqlite:///{folder}/identity.db",
            "MAINSTAY_SECRET_KEY": secrets.token_urlsafe(48),
            "MAINSTAY_SIGN_UP": "false",
            "MAINSTAY_LOG_FORMAT": "off",
            "MAINSTAY_MIGRATE": "true",
            "BENCH_LIMITS": "off",
            "EMAILS": str(emails),
            "PASSWORD": PASSWORD,
        }
        done = subprocess.run(
            [sys.executable, "-m", "bench.identity", "--prepare"], env={**os.environ, **settings}, cwd=HERE.parent,
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        token = done.stdout.strip().splitlines()[-1]
        serve = [str(BIN / "mainstay"), "serve", str(HERE / "app.py"), "--port", str(PORT), "--workers", "1"]
        log = folder / "server.log"
        with log.open("w") as out:
            server = subprocess.Popen(serve, env={**os.environ, **settings}, cwd=folder, stdout=out, stderr=out)
            try:
                await_answer(server, f"http://127.0.0.1:{PORT}/livez", log)
                return _against(seconds, settings, token)
            finally:
                server.terminate()
                server.wait(15)


def _against(seconds: int, settings: Mapping[str, str], token: str) -> Figures:
    _wrk("/auth/sign-in", 2, STEADY, settings, script="sign_in.lua")
    # Before it and after it, so that a busy moment of the machine hits both.
    before = _argon2_alone(seconds / 2)
    steady = _wrk("/auth/sign-in", seconds, STEADY, settings, script="sign_in.lua")
    bare = (before + _argon2_alone(seconds / 2)) / 2
    alone = _wrk("/api/v1/posts", seconds, READERS, settings, token=token)
    flood: dict[str, float] = {}
    beside = threading.Thread(
        target=lambda: flood.update(_wrk("/auth/sign-in", seconds + 2, FLOOD, settings, script="sign_in.lua"))
    )
    beside.start()
    time.sleep(1)
    reads = _wrk("/api/v1/posts", seconds, READERS, settings, token=token)
    beside.join()
    return Figures(
        argon2=bare,
        sign_ins=steady["rate"],
        list_p99=reads["p99"],
        list_alone_p99=alone["p99"],
        list_rate=reads["rate"],
        shed=flood["shed"],
        flood_p99=flood["p99"],
        wrong=sum(each["failures"] + each["socket_errors"] for each in (steady, flood, reads, alone)),
    )


def section(figures: Figures) -> list[str]:
    """The lines of the report."""
    share = figures.sign_ins / figures.argon2
    return [
        "",
        "Signing in, on both cores, Argon2id at OWASP's setting (19 MiB, 2 passes, 1 lane):",
        "",
        "| what | figure | bar |",
        "|---|---|---|",
        f"| Argon2 verifications alone, 2 threads | {figures.argon2:.1f}/s | |",
        f"| sign-ins, {STEADY} connections | {figures.sign_ins:.1f}/s, {share:.2f} of it "
        f"| ≥ {OF_ARGON2}: {_met(share >= OF_ARGON2)} |",
        f"| list-20 p99 during a flood of {FLOOD} connections | {figures.list_p99:.1f} ms "
        f"(alone {figures.list_alone_p99:.1f}; {figures.list_rate:,.0f}/s) "
        f"| ≤ {LIST_P99:.0f}: {_met(figures.list_p99 <= LIST_P99)} |",
        f"| p99 of the flood itself, served or, {figures.shed:,.0f} times, turned away with 503 "
        f"| {figures.flood_p99:.0f} ms | |",
        f"| wrong answers | {figures.wrong:.0f} | |",
    ]


def _met(so: bool) -> str:
    return "met" if so else "NOT met"


def _argon2_alone(seconds: float) -> float:
    """Verifications per second in as many threads as the server has, which give way to others as its threads do."""
    options = PasswordOptions()
    hasher = argon2.PasswordHasher(options.passes, options.memory_kib, options.lanes)
    stored = hasher.hash(PASSWORD)
    until, counts = time.monotonic() + seconds, [0] * options.threads

    def work(place: int) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while time.monotonic() < until:
            hasher.verify(stored, PASSWORD)
            counts[place] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(options.threads)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - began)


def _wrk(
    path: str, seconds: int, connections: int, env: Mapping[str, str], *, script: str = "plain.lua", token: str = ""
) -> dict[str, float]:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "load" / script)]
    if token:
        command += ["-H", f"Authorization: Bearer {token}"]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{PORT}{path}"], env={**os.environ, **env}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    line = re.search(r"^RESULT.*$", done.stdout, re.M)
    if line is None:
        raise RuntimeError(f"wrk said nothing of use:\n{done.stdout}{done.stderr}")
    return {name: float(value) for name, value in RESULT.findall(line[0])}


async def _prepare() -> str:
    app = load_app(str(HERE / "app.py")).app
    async with app.running():
        identity = app.rooms.identity
        users = [
            await identity.create_user(email, PASSWORD) for email in Path(os.environ["EMAILS"]).read_text().split()
        ]
        tokens = await identity.sign_in(users[0].email, PASSWORD)
        caller = await app.rooms.identify.identify(
            [(b"authorization", b"Bearer " + tokens.access_token.encode())], "prepare"
        )
        rows = [{"title": f"number {n}", "body": "lorem ipsum dolor sit amet " * 8} for n in range(1000)]
        await app.rooms.records["posts"].create_many(caller, rows)
        return tokens.access_token


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=6, help="length of one measurement (default 6)")
    parser.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.prepare:
        print(asyncio.run(_prepare()))
        return 0
    print("\n".join(section(measured(asked.seconds))))
    return 0


if __name__ == "__main__":
    sys.exit(main())

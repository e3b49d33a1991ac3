"""`mainstay serve` with two workers: one log, one answer about figures, nothing lost with a worker that is killed."""

import json
import os
import signal
import time
from pathlib import Path

import httpx2 as httpx

from mainstay.telemetry.metrics.shared import SharedFigures  # house: door: a detail worth its own test
from scripts.packages import held_port
from tests.rooms.telemetry.test_metrics import Samples, at, read, told
from tests.serving import PATIENCE, served, until

APP = """
import logging
import os

from mainstay import Mainstay

app = Mainstay()


@app.get("/whoami")
async def whoami() -> int:
    logging.getLogger("shop").info("asked", extra={"worker": os.getpid(), "password": "hunter2"})
    return os.getpid()
"""
ASKED = at("mainstay_http_requests_total", method="GET", route="/whoami", status="200")


def figures(port: int) -> Samples:
    return read(httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).content)


def test_two_workers_speak_with_one_voice(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    folder = tmp_path / "figures"
    settings = {"MAINSTAY_LOG_FORMAT": "json", "MAINSTAY_LOG_FILE": "all.log", "MAINSTAY_METRICS_FOLDER": str(folder)}
    with (
        held_port() as port,
        served(tmp_path, "--workers", "2", MAINSTAY_METRICS_PORT=str(port), **settings) as (server, client),
    ):
        asked: dict[int, int] = {}
        deadline = time.monotonic() + PATIENCE
        while len(asked) < 2 and time.monotonic() < deadline:
            # A connection stays with its worker.
            answer = client.get("/whoami", headers={"Connection": "close"})
            assert answer.status_code == 200, answer.text
            asked[answer.json()] = asked.get(answer.json(), 0) + 1
        assert len(asked) == 2, asked
        total = sum(asked.values())
        until(lambda: figures(port).get(ASKED) == total, lambda: f"{figures(port).get(ASKED)} of {total}")
        # Whoever answers knows its own of this moment. What a killed one leaves behind is what it told last.
        until(lambda: told(SharedFigures(folder).gathered([])).get(ASKED) == total, server.said)
        os.kill(next(iter(asked)), signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        found: Samples = {}
        while time.monotonic() < deadline:
            try:
                found = figures(port)
                break
            except httpx.HTTPError:
                # The one that was killed held the listener; the other takes its place.
                time.sleep(0.1)
        assert found[ASKED] == total
    lines = [json.loads(line) for line in (tmp_path / "all.log").read_text().splitlines()]
    said = [line for line in lines if line["event"] == "asked"]
    requests = [line for line in lines if line["event"] == "request" and line["path"] == "/whoami"]
    assert {line["worker"] for line in said} == set(asked)
    assert len(said) == total
    assert {line["request_id"] for line in said} >= {line["request_id"] for line in requests}
    assert "hunter2" not in (tmp_path / "all.log").read_text()

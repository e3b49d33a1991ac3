"""What the server does is what its OpenAPI says: schemathesis, every phase, every check, signed in, on both engines.

MAINSTAY_CONFORMANCE_EXAMPLES=200 makes the run longer; MAINSTAY_CONFORMANCE_SEED changes what it tries.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.databases import Urls
from tests.serving import MAINSTAY, served

EMAIL, PASSWORD = "conformance@example.org", "a long and boring password 7"
EXAMPLES = os.environ.get("MAINSTAY_CONFORMANCE_EXAMPLES", "12")
SEED = os.environ.get("MAINSTAY_CONFORMANCE_SEED", "1")
AUTHOR = "0190f6a2-7c1e-7000-8000-3f2b8c0d9e11"
HERE = Path(__file__).parent
APP = HERE / "library.py"


@contextmanager
def library(urls: Urls, folder: Path) -> Iterator[str]:
    """The library, migrated, served, with one administrator."""
    environment = {
        "MAINSTAY_ENVIRONMENT": "testing",
        "MAINSTAY_DATABASE_URL": urls.database_url,
        "MAINSTAY_DATABASE_SYSTEM_URL": urls.system_url,
        "MAINSTAY_SECRET_KEY": "conformance-conformance-conformance-1234",
    }
    authors = folder / "authors.ndjson"
    authors.write_text(json.dumps({"id": AUTHOR, "name": "Jane Austen"}) + "\n")
    for command in (
        ["migrate", str(APP)],
        ["users", "create", "--app", str(APP), "--email", EMAIL, "--password", PASSWORD, "--role", "admin"],
        ["import", str(APP), "authors", str(authors)],
    ):
        told = {**os.environ, "MAINSTAY_LOG_FORMAT": "off", **environment}
        subprocess.run([*MAINSTAY, *command], env=told, cwd=folder, check=True, capture_output=True)
    with served(folder, app=APP, **environment) as (server, client):
        assert client.get("/readyz").status_code == 200
        yield server.url()
        assert server.process.poll() is None, f"the server stopped: {server.said()[-3000:]}"


def phases_on(urls: Urls) -> str:
    """Every phase; of the short form on PostgreSQL without the one that tries each limit of each parameter alone.

    What it finds lies between the schema and the reading of requests, before any database.
    """
    every = ["examples", "coverage", "fuzzing", "stateful"]
    if urls.name == "postgresql" and "MAINSTAY_CONFORMANCE_EXAMPLES" not in os.environ:
        every.remove("coverage")
    return ",".join(every)


def test_every_phase_of_schemathesis_finds_nothing(
    urls: Urls, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with library(urls, tmp_path) as url:
        environment = {
            **os.environ,
            "SCHEMATHESIS_HOOKS": str(HERE / "sign_in.py"),
            "CONFORMANCE_URL": url,
            "CONFORMANCE_EMAIL": EMAIL,
            "CONFORMANCE_PASSWORD": PASSWORD,
        }
        # One worker: in CPython before 3.11.5 two threads that parse at once may end in a SystemError (gh-106905).
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", str(HERE / "schemathesis.toml"), "run", f"{url}/openapi.json"),
            *("--phases", phases_on(urls), "--checks", "all", "--mode", "all"),
            *("--max-examples", EXAMPLES, "--seed", SEED, "--workers", "1", "--continue-on-failure", "--no-color"),
        ]
        started = time.monotonic()
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        took = time.monotonic() - started
    summary = done.stdout[done.stdout.rfind("SUMMARY") :]
    with capsys.disabled():
        counts = " ".join(re.findall(r"(?:Selected: \S+|\d+ generated[^\n]*|\d+ (?:passed|failed)[^\n]*)", summary))
        print(f"\nschemathesis on {urls.name}: {counts} in {took:.0f} s")
    assert done.returncode == 0, done.stdout[-30_000:] + done.stderr[-3_000:]

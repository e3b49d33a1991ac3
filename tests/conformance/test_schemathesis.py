"""What the server does is what its OpenAPI says: schemathesis, every phase, every check, signed in, on both engines.

MAINSTAY_CONFORMANCE_EXAMPLES=200 makes the run longer; MAINSTAY_CONFORMANCE_SEED changes what it tries.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.databases import Urls

EMAIL, PASSWORD = "conformance@example.org", "a long and boring password 7"
EXAMPLES = os.environ.get("MAINSTAY_CONFORMANCE_EXAMPLES", "12")
SEED = os.environ.get("MAINSTAY_CONFORMANCE_SEED", "1")
AUTHOR = "0190f6a2-7c1e-7000-8000-3f2b8c0d9e11"
HERE = Path(__file__).parent
APP = HERE / "library.py"


@contextmanager
def served(urls: Urls, folder: Path) -> Iterator[str]:
    """The library on a free port, migrated, with one administrator."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "MAINSTAY_ENVIRONMENT": "testing",
        "MAINSTAY_DATABASE_URL": urls.database_url,
        "MAINSTAY_DATABASE_SYSTEM_URL": urls.system_url,
        "MAINSTAY_SECRET_KEY": "conformance-conformance-conformance-1234",
        "MAINSTAY_LOG_FORMAT": "off",
    }
    mainstay = [str(Path(sys.executable).with_name("mainstay"))]
    subprocess.run([*mainstay, "migrate", str(APP)], env=environment, cwd=folder, check=True, capture_output=True)
    user = ["users", "create", "--app", str(APP), "--email", EMAIL, "--password", PASSWORD, "--role", "admin"]
    subprocess.run([*mainstay, *user], env=environment, cwd=folder, check=True, capture_output=True)
    authors = folder / "authors.ndjson"
    authors.write_text(json.dumps({"id": AUTHOR, "name": "Jane Austen"}) + "\n")
    subprocess.run(
        [*mainstay, "import", str(APP), "authors", str(authors)],
        env=environment,
        cwd=folder,
        check=True,
        capture_output=True,
    )
    log = folder / "server.log"
    with log.open("wb") as output:
        command = [*mainstay, "serve", str(APP), "--host", "127.0.0.1", "--port", str(port)]
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        await_ready(url, server, log)
        yield url
        assert server.poll() is None, f"the server stopped: {log.read_text()[-3000:]}"
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def phases_on(urls: Urls) -> str:
    """Every phase; of the short form on PostgreSQL without the one that tries each limit of each parameter alone.

    What it finds lies between the schema and the reading of requests, before any database.
    """
    every = ["examples", "coverage", "fuzzing", "stateful"]
    if urls.name == "postgresql" and "MAINSTAY_CONFORMANCE_EXAMPLES" not in os.environ:
        every.remove("coverage")
    return ",".join(every)


def await_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(f"{url}/readyz"):
                return
        except URLError:
            time.sleep(0.1)
    pytest.fail(f"the server did not become ready: {log.read_text()[-3000:]}")


def test_every_phase_of_schemathesis_finds_nothing(
    urls: Urls, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(urls, tmp_path) as url:
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

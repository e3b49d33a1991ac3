"""Several processes of one server answer as one, and what one of them counted outlives it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mainstay.base.errors import ConfigurationError
from mainstay.telemetry import Metrics
from mainstay.telemetry.metrics.shared import SharedFigures  # house: door: a detail worth its own test
from tests.rooms.telemetry.test_metrics import Samples, at, told

WORKER = """
import sys
from pathlib import Path
from mainstay.telemetry import Metrics
from mainstay.telemetry.metrics.shared import SharedFigures
metrics, shared = Metrics(), SharedFigures(Path(sys.argv[1]))
shared.open()
for line in sys.stdin:
    metrics.counter("orders_total", "Orders.").add(by=int(line))
    metrics.gauge("open_files", "Files.").set(10)
    metrics.gauge("began", "When.", how="min").set(int(line))
    metrics.gauge("disk", "Room.", how="here").set(99)
    metrics.histogram("size", "Items.", bounds=[5]).observe(int(line))
    shared.publish(metrics.families())
    print("told", flush=True)
shared.close(metrics.families())
"""


@contextmanager
def worker(folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def count(process: subprocess.Popen[str], orders: int) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{orders}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "told\n"


def gathered(shared: SharedFigures) -> Samples:
    return told(shared.gathered([]))


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[SharedFigures]:
    shared = SharedFigures(tmp_path / "figures")
    shared.open()
    yield shared
    shared.close([])


def test_the_figures_of_all_are_added_up(shared: SharedFigures, tmp_path: Path) -> None:
    with worker(tmp_path / "figures") as one, worker(tmp_path / "figures") as other:
        count(one, 3)
        count(other, 4)
        own = Metrics()
        own.counter("orders_total", "Orders.").add(by=100)
        seen = told(shared.gathered(own.families()))
        assert seen[at("orders_total")] == 107
        assert seen[at("open_files")] == 20
        assert seen[at("began")] == 3
        assert seen[at("size_bucket", le="5")] == 2
        # What any process sees the same is told by the one that answers alone.
        assert at("disk") not in seen


def test_what_a_killed_process_counted_is_kept_and_its_gauges_are_not(shared: SharedFigures, tmp_path: Path) -> None:
    with worker(tmp_path / "figures") as one, worker(tmp_path / "figures") as other:
        count(one, 3)
        count(other, 4)
        os.kill(one.pid, signal.SIGKILL)
        one.wait()
        for _ in range(2):
            seen = gathered(shared)
            assert seen[at("orders_total")] == 7
            assert seen[at("open_files")] == 10
            assert seen[at("size_count")] == 2
        with worker(tmp_path / "figures") as successor:
            count(successor, 5)
            assert gathered(shared)[at("orders_total")] == 12


def test_a_process_that_ends_in_order_loses_nothing(shared: SharedFigures, tmp_path: Path) -> None:
    with worker(tmp_path / "figures") as one:
        count(one, 3)
        one.communicate()
        assert gathered(shared)[at("orders_total")] == 3
    assert len([each for each in (tmp_path / "figures").iterdir() if each.suffix == ".lock"]) == 1


def test_what_cannot_be_read_is_left_out(shared: SharedFigures, tmp_path: Path) -> None:
    (tmp_path / "figures" / "1-abc.json").write_text('{"half": ')
    (tmp_path / "figures" / "2-abc.json").write_text('[["a", "counter"]]')
    assert gathered(shared) == {}


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(ConfigurationError, match="may be written by others"):
        SharedFigures(folder).open()


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        SharedFigures(tmp_path / "file" / "figures").open()

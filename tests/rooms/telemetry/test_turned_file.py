"""A log file is turned by size, whoever writes to it."""

import os
import subprocess
import sys
from pathlib import Path

from mainstay.telemetry.logs.sinks import TurnedFile  # house: door: an engine behind the room's options


def opened(path: Path, size: int = 1000, count: int = 2) -> TurnedFile:
    file = TurnedFile(path, size, count)
    file.open()
    return file


def test_a_full_file_is_turned_and_the_oldest_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    file = opened(path)
    for number in range(40):
        file.write([f"{number:03d} " + "x" * 95])
    file.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["app.log", "app.log.1", "app.log.2", "app.log.lock"]
    kept = "".join((tmp_path / name).read_text() for name in ("app.log.2", "app.log.1", "app.log"))
    numbers = [int(line[:3]) for line in kept.splitlines()]
    assert numbers == list(range(40 - len(numbers), 40))
    assert all((tmp_path / name).stat().st_size <= 1000 for name in ("app.log", "app.log.1", "app.log.2"))


def test_a_line_longer_than_the_file_may_be_is_still_written(tmp_path: Path) -> None:
    file = opened(tmp_path / "app.log")
    file.write(["x" * 5000])
    file.write(["after"])
    file.close()
    assert (tmp_path / "app.log").read_text() == "after\n"
    assert len((tmp_path / "app.log.1").read_text()) == 5001


def test_a_file_that_somebody_else_moved_is_made_anew(tmp_path: Path) -> None:
    file = opened(tmp_path / "app.log")
    file.write(["one"])
    os.rename(tmp_path / "app.log", tmp_path / "moved-by-logrotate")
    file.write(["two"])
    file.close()
    assert (tmp_path / "app.log").read_text() == "two\n"


def test_several_processes_lose_and_mix_no_line(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from mainstay.telemetry.logs.sinks import TurnedFile\n"
        "file = TurnedFile(Path(sys.argv[1]), 20_000, 100); file.open()\n"
        "for n in range(400): file.write([f'{sys.argv[2]} {n:04d} ' + 'y' * 80])\n"
    )
    path = tmp_path / "app.log"
    writers = [subprocess.Popen([sys.executable, "-c", program, str(path), str(name)]) for name in range(3)]
    assert [writer.wait(30) for writer in writers] == [0, 0, 0]
    lines = [line for each in tmp_path.glob("app.log*") for line in each.read_text().splitlines()]
    assert len(lines) == 1200
    assert {tuple(line.split()[:2]) for line in lines} == {(str(w), f"{n:04d}") for w in range(3) for n in range(400)}
    assert {len(line) for line in lines} == {87}


def test_a_disk_that_takes_nothing_costs_lines_and_nothing_else() -> None:
    file = TurnedFile(Path("/dev/full"), 1000, 1)
    file.open()
    file.write(["lost"])
    file.close()
    file.write(["after the end"])

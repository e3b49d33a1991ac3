"""A disk that fills up: writes are refused at once and undone wholly, reads go on, room brings everything back."""

import os
import time
from pathlib import Path

from tests.faults.conftest import Figures
from tests.faults.look import check_file
from tests.faults.server import served, until
from tests.faults.wire import LIST, note, post, wire

# A mount of the server's own, gone with it; whoever is not root has one in a user namespace of their own.
NAMESPACE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
MOUNT = 'mount -t tmpfs -o size=24m tmpfs "$0" && exec "$@"'
ROW = post(note("a" * 10_000))


def test_a_full_disk_refuses_writes_serves_reads_and_recovers(tmp_path: Path, full: bool, figure: Figures) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    within = [*NAMESPACE, "sh", "-c", MOUNT, str(disk)]
    created: set[str] = set()
    slowest = longest = slowest_read = 0.0
    statuses: set[int] = set()
    with (
        served(tmp_path, within=within, workers=2, MAINSTAY_DATABASE_URL=f"sqlite:///{disk}/notes.db") as server,
        wire(server.port) as writer,
        wire(server.port) as reader,
    ):
        pid = server.process.pid
        filler = Path(f"/proc/{pid}/root{disk}/filler")

        def write() -> int:
            nonlocal slowest
            began = time.monotonic()
            answer = writer.ask(ROW)
            slowest = max(slowest, time.monotonic() - began)
            assert answer is not None, server.said()
            if answer.status == 201:
                created.add(answer.json["id"])
            else:
                assert answer.headers["content-type"] == "application/problem+json"
                statuses.add(answer.status)
            return answer.status

        assert write() == 201
        for _ in range(5 if full else 2):
            # A megabyte is left: some writes still fit, and one of them is the first that does not.
            space = os.statvfs(filler.parent)
            filler.write_bytes(b"x" * max(0, space.f_bavail * space.f_frsize - 1_000_000))
            until(lambda: write() != 201, server.said)
            refused = 0
            for _ in range(50):
                refused += write() in (503, 507)
                began = time.monotonic()
                answer = reader.ask(LIST)
                slowest_read = max(slowest_read, time.monotonic() - began)
                assert answer is not None
                assert answer.status == 200
            assert refused >= 45, f"{refused} of 50 writes were refused"
            filler.unlink()
            longest = max(longest, until(lambda: write() == 201, server.said, patience=5))
        inside = ["nsenter", f"--target={pid}", "--mount", *([] if os.geteuid() == 0 else ["--user"])]
        rows = check_file(disk / "notes.db", created, inside)
        assert statuses <= {503, 507}
        assert slowest < 1
        assert server.clean(), server.said()
        assert server.stop() == 0
    figure(f"refused with {sorted(statuses)} in {slowest * 1000:.0f} ms at most, reads {slowest_read * 1000:.0f} ms")
    figure(
        f"written again {longest:.1f} s after there was room; {len(created)} acknowledged of {rows} rows, file sound"
    )

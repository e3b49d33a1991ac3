"""Three real processes and one Redis: together never more than the rate, and at least 99% of it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from mainstay.limits import Rate


def test_three_processes_admit_never_more_than_the_limit_and_at_least_99_percent_of_it(
    redis_url: str, root: Path
) -> None:
    text = "80/second burst 120"
    rate, command = Rate.parse(text), [sys.executable, "-m", "tests.rooms.limits.node", redis_url, text, "5"]
    environment = {**os.environ, "PYTHONPATH": f"{root / 'src'}:{root}"}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    nodes: list[Any] = [subprocess.Popen(command, cwd=root, env=environment, **pipes) for _ in range(3)]
    assert [node.stdout.readline() for node in nodes] == ["ready\n"] * 3
    begin = f"{time.monotonic() + 0.2}\n"
    for node in nodes:
        node.stdin.write(begin)
        node.stdin.flush()
    said = [json.loads(node.communicate(timeout=60)[0]) for node in nodes]
    times = sorted(at for each in said for at in each["times"])
    stretch = times[-1] - times[0]
    possible = rate.most + stretch / rate.interval
    assert sum(each["asked"] for each in said) > 1.5 * possible, "the load was too light to tell anything"
    assert [each["outages"] for each in said] == [0, 0, 0]
    assert all(len(each["times"]) > possible / 20 for each in said), "one of them got next to nothing"
    assert len(times) <= possible + 1
    # At some moment of the second half: what is lost stays lost, and a process that only waits loses nothing.
    used = (count / (rate.most + (at - times[0]) / rate.interval) for count, at in enumerate(times, 1))
    assert max(list(used)[len(times) // 2 :]) >= 0.99
    for first, start in enumerate(times):
        for last in range(first, len(times), 5):
            assert last - first + 1 <= rate.most + (times[last] - start + 0.02) / rate.interval

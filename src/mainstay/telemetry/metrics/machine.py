"""What the process and its machine use: processor, memory, files, disk, network of load. Linux tells most of it."""

import os
import resource
import shutil
import threading
import time
from pathlib import Path

from mainstay.telemetry.metrics.metrics import Metrics

PAGE = os.sysconf("SC_PAGE_SIZE")


class Machine:
    """Keeps the process's gauges, and the machine's, which only the process that answers looks at."""

    def __init__(self, metrics: Metrics, places: dict[str, Path]) -> None:
        self._places = places
        self._began = _began()
        gauge = metrics.gauge
        self._cpu = metrics.counter("process_cpu_seconds_total", "Seconds of processor time, user and system.")
        self._memory = gauge("process_resident_memory_bytes", "Memory in use, added up over workers.")
        self._files = gauge("process_open_fds", "Open files and sockets, added up over workers.")
        self._most_files = gauge("process_max_fds", "How many files and sockets one worker may open.", how="min")
        self._threads = gauge("process_threads", "Threads, added up over workers.")
        self._start = gauge("process_start_time_seconds", "When the oldest worker began, Unix time.", how="min")
        self._workers = gauge("mainstay_workers", "Processes whose figures these are.")
        self._disk = gauge("mainstay_disk_free_bytes", "Room left for files of the app.", ("place",), how="here")
        self._disk_size = gauge("mainstay_disk_size_bytes", "Size of that disk.", ("place",), how="here")
        self._free = gauge("mainstay_host_memory_available_bytes", "Memory the machine can give.", how="here")
        self._total = gauge("mainstay_host_memory_bytes", "Memory of the machine.", how="here")
        self._load = gauge("mainstay_host_load1", "Load of the machine over a minute.", how="here")
        self._cpus = gauge("mainstay_host_cpus", "Processors of the machine.", how="here")

    def look(self) -> None:
        """Set them all. Takes some 100 µs, more with thousands of open files."""
        times = os.times()
        self._cpu.reach(times.user + times.system)
        self._threads.set(threading.active_count())
        self._most_files.set(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        self._start.set(self._began)
        self._workers.set(1)
        self._load.set(os.getloadavg()[0])
        self._cpus.set(os.cpu_count() or 1)
        for place, path in self._places.items():
            try:
                disk = shutil.disk_usage(path)
            except OSError:  # the folder is gone
                continue
            self._disk.set(disk.free, place)
            self._disk_size.set(disk.total, place)
        try:
            self._look_at_proc()
        except (OSError, ValueError, IndexError):  # not Linux
            return

    def _look_at_proc(self) -> None:
        self._memory.set(int(Path("/proc/self/statm").read_text().split()[1]) * PAGE)
        # The listing opens a descriptor of its own.
        self._files.set(len(os.listdir("/proc/self/fd")) - 1)
        for line in Path("/proc/meminfo").read_text().splitlines()[:5]:
            name, _, value = line.partition(":")
            if name == "MemTotal":
                self._total.set(int(value.split()[0]) * 1024)
            elif name == "MemAvailable":
                self._free.set(int(value.split()[0]) * 1024)


def _began() -> float:
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        up = float(Path("/proc/uptime").read_text().split()[0])
        return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):  # not Linux
        return time.time()

"""The process above the workers: replaces those that end, and stays whatever becomes of them."""

import logging
import signal
import time
from typing import Any

from granian.server.mp import MPServer, WorkerProcess

LOGGER = logging.getLogger("mainstay.serve")

# A worker that lived this long is replaced at once; one that keeps ending waits longer each time.
STEADY_SECONDS = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0


class Supervisor(MPServer):
    """Granian's server of processes, with another rule for workers that end by themselves.

    Granian's own loop stops the whole server when one worker ends twice within seconds, and misses a signal that
    comes while it replaces one. Here the others go on serving: a worker that cannot start while the database is
    away takes nobody with it, and serves once it can.

    The first worker finds out whether the app can be served at all. The others start when it answers (`go_on`); until
    then a worker that ends stops the server, for the next would only fail again.
    """

    replaces = False

    def go_on(self, loader: Any) -> None:
        """The first worker serves: start the others, and replace those that end, with this for them to call."""
        self._loader = loader
        self.replaces = True
        self.main_loop_interrupt.set()

    def _init_shared_socket(self) -> None:
        """None: where to listen is known once the app is loaded, which is done by workers alone."""
        self._sso = None

    def _spawn_workers(self, spawn_target: Any, target_loader: Any) -> None:
        self._loader = target_loader
        self._start(0, spawn_target)

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        due: dict[int, float] = {}
        pauses: dict[int, float] = {}
        while True:
            if self.replaces and len(self.wrks) < self.workers:
                due.setdefault(len(self.wrks), 0.0)
            self.main_loop_interrupt.wait(max(0.0, min(due.values()) - time.monotonic()) if due else None)
            # Cleared before looking: what is set from here on wakes the next turn.
            self.main_loop_interrupt.clear()
            if self.interrupt_signal:
                return
            while self.interrupt_children:
                place = self.interrupt_children[0]
                if not self.replaces:
                    return
                del self.interrupt_children[0]
                ended = self.wrks[place]
                lived = time.monotonic() - ended.birth
                pause = 0.0 if lived >= STEADY_SECONDS else pauses.get(place, FIRST_PAUSE)
                pauses[place] = min(LONGEST_PAUSE, 2 * pause) or FIRST_PAUSE
                due[place] = time.monotonic() + pause
                LOGGER.warning("Worker %s %s; another starts %s.", place + 1, _how(ended), _when(pause))
            for place in [place for place, moment in due.items() if moment <= time.monotonic()]:
                try:
                    self._start(place, spawn_target)
                except OSError as error:
                    # No process to be had at the moment; the workers that live are not to go for that.
                    due[place] = time.monotonic() + LONGEST_PAUSE
                    LOGGER.error(
                        "Worker %s cannot be started (%s); tried again in %g s.", place + 1, error, LONGEST_PAUSE
                    )
                else:
                    del due[place]

    def _start(self, place: int, spawn_target: Any) -> None:
        worker: Any = self._spawn_worker(idx=place, target=spawn_target, callback_loader=self._loader)
        worker.start()
        self.wrks[place : place + 1] = [worker]


def _how(worker: WorkerProcess) -> str:
    code = worker.inner.exitcode
    if code is not None and code < 0:
        # Signals of the real-time range have no name.
        name = next((each.name for each in signal.Signals if each == -code), f"signal {-code}")
        return f"(process {worker.inner.pid}) was ended by {name}"
    return f"(process {worker.inner.pid}) ended with code {code}"


def _when(pause: float) -> str:
    return "now" if not pause else f"in {pause:g} s"

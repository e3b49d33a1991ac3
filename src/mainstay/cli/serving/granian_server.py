"""Granian with our limits and a quiet log; the app's own access log is the one that speaks."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from mainstay.cli.frame.ending import Refusal, Refused
from mainstay.cli.serving.connections import connection_limit, wait_for_listener
from mainstay.cli.serving.parent import GRACE_SECONDS
from mainstay.cli.serving.plan import Asked, Checked
from mainstay.cli.serving.supervisor import Supervisor
from mainstay.cli.serving.worker import BACKLOG, Worker, serve_worker

# A client that has not sent its headers after this long is cut off (slow header attacks).
HEADER_DEADLINE_MS = 10_000
# What one connection may make us remember: its headers, and what is read of a body at once.
BUFFER_BYTES = 65_536
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def serve_with_granian(asked: Asked, on_ready: Callable[[Checked], None]) -> Refusal | None:
    """Serve until SIGINT or SIGTERM; `on_ready` is called once, when the first worker answers requests.

    Answers why nothing can be served, where that is so. Raises Refused when a worker ends by itself.
    """
    with _spawning():
        # A pipe and no Event: a worker that is killed while it sets an Event keeps its lock for ever.
        receiver, tells = multiprocessing.get_context("spawn").Pipe(duplex=False)
        server = Supervisor(
            asked.target,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            workers=asked.workers,
            backlog=BACKLOG,
            # Granian counts connections by this, idle ones too: its default is 1,024 for all workers together.
            backpressure=connection_limit(),
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_DEADLINE_MS, max_buffer_size=BUFFER_BYTES),
            log_enabled=False,
            workers_kill_timeout=GRACE_SECONDS,
            process_name=None,
        )
        refusals: list[Refusal] = []
        listening = threading.Thread(
            target=_listen, args=(server, receiver, tells, refusals, on_ready), name="mainstay-banner", daemon=True
        )
        listening.start()
        handlers = {each: signal.getsignal(each) for each in STOPPING}
        server.on_startup(lambda: _stop_on_signals(server))
        worker: Any = Worker(asked, tells)
        try:
            server.serve(spawn_target=serve_worker, target_loader=worker, wrap_loader=False)
        except SystemExit:
            # The last word of a worker that ended may still be on its way.
            tells.close()
            listening.join()
            if refusals:
                signal.set_wakeup_fd(-1)
                for each, handler in handlers.items():
                    signal.signal(each, handler)
                return refusals[0]
            raise Refused("a worker stopped, so the server did too.", fix="Its reason stands above.") from None
    return None


def _listen(
    server: Supervisor,
    receiver: Connection,
    tells: Connection,
    refusals: list[Refusal],
    on_ready: Callable[[Checked], None],
) -> None:
    """Wait for what the first worker says."""
    with contextlib.suppress(EOFError, OSError):
        told = receiver.recv()
        if isinstance(told, Refusal):
            refusals.append(told)
            return
        wait_for_listener(told.plan.host, told.plan.port)
        if not server.interrupt_signal:
            server.go_on(Worker(replace(told.plan, workers=server.workers), tells))
            on_ready(told)


@contextlib.contextmanager
def _spawning() -> Iterator[None]:
    """Workers are not forked: this process has threads, whose locks a child would inherit as they stand."""
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method("spawn", force=True)
    try:
        yield
    finally:
        multiprocessing.set_start_method(before, force=True)


def _stop_on_signals(server: Supervisor) -> None:
    """Stop for Ctrl+C, for a supervisor, and for a terminal that is closed.

    Granian's own handlers set a `threading.Event`, whose lock is not to be taken twice: two signals in one moment
    hang it. And a handler in Python runs when the main thread next looks, which may be never while it waits. The
    wake-up descriptor is written to at the moment of the signal; a thread that reads it does the rest.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def stop() -> None:
        os.read(reader, 1)
        server.interrupt_signal = True
        server.main_loop_interrupt.set()

    threading.Thread(target=stop, name="mainstay-stop", daemon=True).start()
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for each in STOPPING:
        signal.signal(each, lambda *_: None)

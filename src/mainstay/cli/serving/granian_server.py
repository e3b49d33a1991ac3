"""Granian with our limits and a quiet log; the app's own access log is the one that speaks."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from mainstay.cli.frame.ending import Refused
from mainstay.cli.serving.connections import connection_limit, wait_for_listener
from mainstay.cli.serving.parent import GRACE_SECONDS
from mainstay.cli.serving.plan import Plan
from mainstay.cli.serving.supervisor import Supervisor
from mainstay.cli.serving.worker import Worker

# A client that has not sent its headers after this long is cut off (slow header attacks).
HEADER_DEADLINE_MS = 10_000
# What one connection may make us remember: its headers, and what is read of a body at once.
BUFFER_BYTES = 65_536
# Connections that the kernel keeps for a worker which has not come to accept them yet.
BACKLOG = 4_096


def serve_with_granian(plan: Plan, on_ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` is called once, when the first worker answers requests.

    Raises Refused when a worker ends by itself.
    """
    # Not forked: a child would inherit what the checks imported and opened in this process.
    multiprocessing.set_start_method("spawn", force=True)
    # A pipe and no Event: a worker that is killed while it sets an Event keeps its lock for ever.
    receiver, ready = multiprocessing.get_context("spawn").Pipe(duplex=False)
    server = Supervisor(
        plan.target,
        address=plan.host,
        port=plan.port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        workers=plan.workers,
        backlog=BACKLOG,
        # Granian counts connections by this, idle ones too: its default is 1,024 for all workers together.
        backpressure=connection_limit(),
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_DEADLINE_MS, max_buffer_size=BUFFER_BYTES),
        log_enabled=False,
        workers_kill_timeout=GRACE_SECONDS,
        process_name=None,
    )

    def announce() -> None:
        with contextlib.suppress(EOFError):
            receiver.recv_bytes()
            wait_for_listener(plan.host, plan.port)
            if not server.interrupt_signal:
                # A worker that dies from now on is replaced; one that could not even start would only fail again.
                server.replaces = True
                on_ready()
            while True:
                receiver.recv_bytes()

    threading.Thread(target=announce, name="mainstay-banner", daemon=True).start()
    server.on_startup(lambda: _stop_on_signals(server))
    try:
        server.serve(target_loader=Worker(plan, ready), wrap_loader=False)
    except SystemExit:
        raise Refused("a worker stopped, so the server did too.", fix="Its reason stands above.") from None


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
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda *_: None)

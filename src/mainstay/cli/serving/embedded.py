"""Granian inside this very process: one import of the app, so that starting again is quick."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from mainstay.cli.frame.ending import leave
from mainstay.cli.serving.connections import connection_limit
from mainstay.cli.serving.granian_server import BUFFER_BYTES, HEADER_DEADLINE_MS
from mainstay.cli.serving.plan import Plan
from mainstay.cli.serving.prepare import loaded_for
from mainstay.cli.serving.started import Started


def serve_embedded(plan: Plan, on_ready: Callable[[], None]) -> None:
    """Serve the plan's app with one worker until SIGINT or SIGTERM."""

    async def ready() -> None:
        on_ready()

    app = loaded_for(plan.target, plan.settings).app
    serve_asgi(Started(app, ready, partial(leave, as_json=False)), plan.host, plan.port)


def serve_asgi(app: Any, host: str, port: int) -> None:
    """Serve any ASGI app until SIGINT or SIGTERM."""
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(app, host, port))


async def _serve(app: Any, host: str, port: int) -> None:
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        backpressure=connection_limit(),
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_DEADLINE_MS, max_buffer_size=BUFFER_BYTES),
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, server.stop)
    await server.serve()

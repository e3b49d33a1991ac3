"""Granian inside this very process: one import of the app, so that starting again is quick."""

import asyncio
import contextlib
import signal
from collections.abc import Callable

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from mainstay.cli.serving.granian_server import HEADER_DEADLINE_MS
from mainstay.cli.serving.plan import Plan, loaded_for
from mainstay.cli.serving.worker import Started


def serve_embedded(plan: Plan, on_ready: Callable[[], None]) -> None:
    """Serve with one worker until SIGINT or SIGTERM."""
    app = Started(loaded_for(plan.target, plan.settings).app, on_ready)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(plan, app))


async def _serve(plan: Plan, app: Started) -> None:
    server = Server(
        app,
        address=plan.host,
        port=plan.port,
        interface=Interfaces.ASGI,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_DEADLINE_MS),
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, server.stop)
    await server.serve()

"""The two servers that are compared: the same Granian, the same loop, one process each."""

from typing import Any

from mainstay.cli.benchmark.floor import FloorApp, FloorPlan
from mainstay.cli.serving.embedded import serve_asgi, serve_embedded
from mainstay.cli.serving.plan import Plan


def serve_floor(plan: FloorPlan, port: int) -> None:
    """Serve the floor until the process is ended."""
    serve_asgi(FloorApp(plan), "127.0.0.1", port)


def serve_app(target: str, settings: dict[str, Any], port: int) -> None:
    """Serve the app until the process is ended."""
    serve_embedded(Plan(target, "127.0.0.1", port, settings=settings), lambda: None)

"""`mainstay bench`: how much of what the machine can do reaches the app's callers."""

import json
import multiprocessing
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from mainstay.cli.benchmark.load import Load, Measured, measure
from mainstay.cli.benchmark.serving import serve_app, serve_floor
from mainstay.cli.benchmark.stage import Stage, prepare
from mainstay.cli.frame.ending import Refused
from mainstay.cli.frame.load import DEFAULT, AppArgument
from mainstay.cli.frame.output import AsJson, Output
from mainstay.cli.serving.port import free_port

Resource = Annotated[str | None, typer.Option("--resource", help="Which resource; without it, the one with most rows.")]
Seconds = Annotated[float, typer.Option("--seconds", min=0.5, max=120, help="How long each measurement takes.")]
Creates = Annotated[
    bool, typer.Option("--creates", help="On PostgreSQL, measure creating rows too: they stay in the database.")
]
START_SECONDS = 30
BODIES = 4096


def bench(
    app: AppArgument = DEFAULT,
    resource: Resource = None,
    seconds: Seconds = 3.0,
    creates: Creates = False,
    as_json: AsJson = False,
) -> None:
    """Measure list, get and create of the app against a bare floor over the same rows, and print the ratios.

    The floor is ASGI, the database's driver and orjson, with no validation, policy or events. SQLite is measured on a
    copy of the database, PostgreSQL on the database itself.

    [dim]mainstay bench app.py --resource books --seconds 5[/dim]
    """
    out = Output(as_json)
    with tempfile.TemporaryDirectory(prefix="mainstay-bench-") as folder:
        stage = prepare(app, resource, creates, Path(folder))
        wanted = ["list", "get"] + ([] if stage.no_creates else ["create"])
        floor = _measured(serve_floor, (stage.floor,), stage, _floor_requests(stage), wanted, seconds)
        ours = _measured(serve_app, (app, dict(stage.settings)), stage, _requests(stage), wanted, seconds)
    _refuse_nothing(floor, "the floor")
    _refuse_nothing(ours, "the app")
    told = {
        name: {
            "rate": round(ours[name].rate),
            "p99_ms": round(ours[name].p99, 2),
            "floor": round(floor[name].rate),
            "ratio": round(ours[name].rate / floor[name].rate, 3),
            "refused": ours[name].refused,
        }
        for name in wanted
    }
    reason = stage.no_creates or None
    out.answer({"resource": stage.resource, "database": stage.database, "operations": told, "no_creates": reason})
    out.say(f"[bold]{stage.resource}[/] on {stage.database}, 32 connections, signed in, {seconds:g} s each\n")
    rows = [
        [name, f"{each['rate']:,}", f"{each['p99_ms']:.2f}", f"{each['floor']:,}", f"{each['ratio']:.2f}"]
        for name, each in told.items()
    ]
    out.table(["", "requests/s", "p99 ms", "floor/s", "of the floor"], rows)
    if stage.no_creates:
        out.say(f"\ncreate is not measured: {escape(stage.no_creates)}.")


def _refuse_nothing(found: dict[str, Measured], whose: str) -> None:
    """A rate of refusals, or of nothing, is no measurement."""
    for name, each in found.items():
        if each.refused:
            first = each.first_refusal.rpartition("\r\n\r\n")[2] or each.first_refusal
            raise Refused(f"{each.refused} of the {name} requests to {whose} were refused: {first[:300]}")
        if not each.rate:
            raise Refused(f"no {name} request to {whose} was answered.", fix="Try again with more --seconds.")


def _measured(
    serve: Any,
    arguments: tuple[Any, ...],
    stage: Stage,
    requests: dict[str, list[bytes]],
    wanted: Sequence[str],
    seconds: float,
) -> dict[str, Measured]:
    port = free_port("127.0.0.1", 0)
    with _serving(serve, (*arguments, port), port):
        return {name: measure(Load(port, requests[name], seconds)) for name in wanted}


@contextmanager
def _serving(serve: Any, arguments: tuple[Any, ...], port: int) -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(target=serve, args=arguments)
    process.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            if not process.is_alive() or time.monotonic() > deadline:
                raise Refused("the server to be measured did not start.", fix="mainstay serve says why.")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.join()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", port)):
            return False
        try:
            probe.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            return bool(probe.recv(1))
        except OSError:
            return False


def _requests(stage: Stage) -> dict[str, list[bytes]]:
    base = f"/api/v1/{stage.resource}"
    bodies = [json.dumps(stage.fresh()).encode() for _ in range(BODIES if stage.unique else 1)]
    return {
        "list": [_request("GET", f"{base}?limit=20", stage.token)],
        "get": [_request("GET", f"{base}/{key}", stage.token) for key in stage.keys],
        "create": [_request("POST", base, stage.token, body) for body in bodies],
    }


def _floor_requests(stage: Stage) -> dict[str, list[bytes]]:
    return {
        "list": [_request("GET", "/", stage.token)],
        "get": [_request("GET", f"/{key}", stage.token) for key in stage.keys],
        "create": [_request("POST", "/", stage.token, json.dumps(dict(stage.body)).encode())],
    }


def _request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"authorization: Bearer {token}"]
    if method == "POST":
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

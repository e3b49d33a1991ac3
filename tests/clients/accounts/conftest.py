"""An app with every way in, its letters and codes at hand; and a stranger's server."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pyotp
import pytest
import uvicorn
from fastapi import Depends, Response
from fastapi.responses import HTMLResponse, JSONResponse

from mainstay import CurrentUser, Mainstay, require_recent, require_second_factor
from mainstay.identity import current_user
from mainstay.testing import Backend

PASSWORD = "correct horse battery"


@dataclass
class Shop:
    """The app, from the outside, and what only its users have: letters and telephones. Its clock stands still."""

    url: str
    backend: Backend
    asked: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def somebody(self) -> str:
        """The address of a new account."""
        email = f"{uuid4().hex}@example.com"
        self.backend.portal.call(self.backend.app.rooms.identity.create_user, email, PASSWORD)
        return email

    def code(self, secret: str) -> str:
        """What the authenticator app shows, half a minute after whatever it showed before."""
        self.backend.clock.advance(seconds=30)
        return pyotp.TOTP(secret).at(self.backend.clock.now())

    def letter(self, email: str) -> str:
        """The token of the last letter to this address."""
        link = self.backend.mailbox.last(email).link
        return parse_qs(urlsplit(link).query)["token"][0]

    def later(self, seconds: float) -> None:
        """The server's clock goes on, and no client's."""
        self.backend.clock.advance(seconds=seconds)


def made(shop: Callable[[], Shop]) -> Mainstay:
    app = Mainstay(title="Shop")
    numbers = count(1)

    @app.get("/page", response_class=HTMLResponse)
    async def page() -> str:
        form = '<form><input name="email" autocomplete="username webauthn"></form>'
        return f"<!doctype html><title>Shop</title>{form}<script type=module src=/mainstay-1.js></script>"

    @app.post("/orders")
    async def order(user: Annotated[CurrentUser, Depends(require_recent(900))]) -> int:
        return next(numbers)

    @app.post("/payouts")
    async def pay_out(user: Annotated[CurrentUser, Depends(require_second_factor(max_age=300))]) -> int:
        return next(numbers)

    @app.post("/done-and-401")
    async def regrets(user: Annotated[CurrentUser, Depends(current_user)]) -> JSONResponse:
        shop().done.append(str(user.id))
        return JSONResponse({"detail": "Not at this desk."}, 401)

    @app.api_route("/away", methods=["GET", "POST"])
    async def away(to: str, status: int) -> Response:
        return Response(status_code=status, headers={"Location": to})

    # What a script in Node cannot do by itself.
    @app.get("/test/code", response_class=HTMLResponse)
    def code(secret: str) -> str:
        return shop().code(secret)

    @app.get("/test/letter", response_class=HTMLResponse)
    def letter(email: str) -> str:
        return shop().letter(email)

    @app.get("/test/later", response_class=HTMLResponse)
    def later(seconds: float) -> str:
        shop().later(seconds)
        return ""

    return app


class LookingOn:
    """Writes down what was asked."""

    def __init__(self, app: Any, shop: Callable[[], Shop]) -> None:
        self.app, self.shop = app, shop

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.shop().asked.append(f"{scope.get('method')} {scope.get('path')}")
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """One app for a module: each test makes an account of its own. At `localhost`, which browsers take for passkeys."""
    there: list[Shop] = []
    app = made(lambda: there[0])
    app.add_middleware(LookingOn, shop=lambda: there[0])
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://localhost:{listening.getsockname()[1]}"
        settings = {"public_url": url, "passwords": {"memory_kib": 64, "passes": 1}}
        with Backend(app, settings=settings) as backend:
            there.append(Shop(url, backend))
            backend.clock.freeze()
            server = uvicorn.Server(uvicorn.Config(backend.app, lifespan="off", log_level="critical", ws="none"))
            serving = backend.portal.start_task_soon(server.serve, [listening])
            deadline = time.monotonic() + 30
            while not server.started:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield there[0]
            server.should_exit = True
            serving.result(20)


@dataclass
class Stranger:
    """A server that is not the app, and answers what it is told to."""

    url: str
    # By path: status, headers, body. What is not told is 404.
    says: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    # Method, path, headers, body.
    heard: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [path for _, path, _, _ in self.heard]

    def answer(self, path: str, status: int, body: Any = None, **headers: str) -> None:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self.says[path] = status, {"Content-Type": "application/json", **told}, sent


@pytest.fixture
def strangers() -> Iterator[Callable[[], Stranger]]:
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start() -> Stranger:
        stranger = Stranger("")

        class Door(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                stranger.heard.append((self.command, self.path, headers, body))
                status, told, sent = stranger.says.get(self.path.partition("?")[0], (404, {}, b"{}"))
                self.send_response(status)
                for name, value in {**told, "Content-Length": str(len(sent))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = do_OPTIONS = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        stranger.url = f"http://127.0.0.1:{server.server_address[1]}"
        return stranger

    yield start
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join(10)

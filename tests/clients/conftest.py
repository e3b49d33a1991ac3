"""A real `mainstay serve` that counts refreshes, and loses the answer to one when it is told to."""

import json
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import pytest
from playwright.async_api import Browser, async_playwright

from mainstay.client import Tokens, TokenStore
from scripts import node_packages, services
from tests.journeys.shop import KEY
from tests.serving import served

HERE = Path(__file__).parent
PASSWORD = "correct horse battery"
APP = '''"""Notes; and an app around the app that looks on."""

import os
import signal
from pathlib import Path

from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy.orm import Mapped

from mainstay import Access, Mainstay, Resource, field, signed_in

HERE = Path(__file__).parent


class Note(Resource):
    """Something to remember."""

    __tablename__ = "notes"
    __access__ = Access(read=signed_in, write=signed_in)
    text: Mapped[str] = field(max_length=200)


app = Mainstay(resources=[Note])


@app.get("/page", response_class=HTMLResponse)
async def page() -> str:
    return "<!doctype html><title>Notes</title><script type=module src=/mainstay-1.js></script>"


@app.get("/own-401")
async def own() -> JSONResponse:
    return JSONResponse({"detail": "Not this door."}, 401)


@app.get("/stronger")
async def stronger() -> JSONResponse:
    challenge = 'Bearer error="insufficient_user_authentication", acr_values="mfa hwk", max_age="300"'
    return JSONResponse({"code": "insufficient_user_authentication"}, 401, {"www-authenticate": challenge})


class LookingOn:
    """Writes down what was asked; `lose` in the folder: the worker dies when the work is done and before it says so."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        with (HERE / "asked.log").open("a") as log:
            log.write(f"{scope['method']} {scope['path']}\\n")
        lose = HERE / "lose"

        async def told(message):
            if lose.exists() and lose.read_text() == f"{scope['method']} {scope['path']}":
                lose.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
            await send(message)

        await self.app(scope, receive, told)


app.add_middleware(LookingOn)
'''


@dataclass
class Site:
    """The server, from the outside."""

    url: str
    folder: Path
    process: "subprocess.Popen[str]"
    machines: Iterator[int] = field(default_factory=lambda: count(1))

    def asked(self, line: str = "POST /auth/refresh") -> int:
        """How often that was asked."""
        log = self.folder / "asked.log"
        return log.read_text().splitlines().count(line) if log.exists() else 0

    def lose(self, line: str = "POST /auth/refresh") -> None:
        """The next answer to this is lost: the worker dies when the work is done."""
        (self.folder / "lose").write_text(line)

    def somebody(self) -> str:
        """The address of a new account."""
        email = f"{uuid4().hex}@example.com"
        # Each from a machine of its own, as the proxy in front says: one alone is let through so often and no more.
        machine = {"X-Forwarded-For": str(ip_address("198.18.0.0") + next(self.machines))}
        told = {"email": email, "password": PASSWORD}
        httpx.post(f"{self.url}/auth/sign-up", json=told, headers=machine, timeout=30).raise_for_status()
        return email

    def sign_out_elsewhere(self, email: str) -> None:
        """The user ends all sessions, from another device; this has been heard of everywhere."""
        told = httpx.post(f"{self.url}/auth/sign-in", json={"email": email, "password": PASSWORD}, timeout=30).json()
        bearer = {"Authorization": f"Bearer {told['access_token']}"}
        httpx.post(f"{self.url}/auth/logout-all", headers=bearer, timeout=30).raise_for_status()
        deadline = time.monotonic() + 5
        while httpx.get(f"{self.url}/auth/me", headers=bearer).status_code != 401:
            assert time.monotonic() < deadline


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all tests: each makes an account of its own."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "app.py").write_text(APP)
    environment = {
        "MAINSTAY_DATABASE_URL": f"sqlite:///{folder}/notes.db",
        "MAINSTAY_SECRET_KEY": KEY,
        "MAINSTAY_ENVIRONMENT": "development",
        "MAINSTAY_TRUSTED_PROXIES": '["127.0.0.1"]',
        "MAINSTAY_PASSWORDS__MEMORY_KIB": "1024",
        "MAINSTAY_PASSWORDS__PASSES": "1",
        "MAINSTAY_PASSWORDS__PATIENCE": "1",
    }
    with served(folder, "--migrate", **environment) as (server, _):
        yield Site(server.url(), folder, server.process)


@pytest.fixture(scope="session")
def typescript() -> Path:
    """The folder in which TypeScript is installed."""
    try:
        return node_packages.installed(HERE / "javascript", services.Services().folder)
    except services.ServiceMissing as missing:
        pytest.fail(str(missing), pytrace=False)


@pytest.fixture(scope="session")
def node() -> Path:
    try:
        return node_packages.require_node()[0]
    except services.ServiceMissing as missing:
        pytest.fail(str(missing), pytrace=False)


def run_node(node: Path, script: str, *arguments: str) -> Any:
    """What a module of JavaScript says last, as JSON."""
    done = subprocess.run(
        [str(node), "--input-type=module", "-", *arguments], input=script, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout.splitlines()[-1])


def spoil(store: TokenStore, access_token: str = "spoilt") -> None:
    """The access token that is stored is refused from now on, as if it had ended."""
    kept = store.read()
    assert kept is not None
    store.write(Tokens(access_token, kept.refresh_token, kept.expires_at))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One loop for all tests, and the browser with them."""
    return "asyncio"


@pytest.fixture(scope="module")
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    """One process for a module's tests: each has a context of its own, which shares nothing."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium)
        yield browser
        await browser.close()

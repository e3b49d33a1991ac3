"""An app with pages, opened for one test; a server for browsers, and what looks for barriers in pages."""

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from sqlalchemy.orm import Mapped

from mainstay import Mainstay, UserProfile, field
from mainstay.testing import Backend
from scripts import node_packages, services
from tests.rooms.identity.pages.visitor import Visitor

AXE = Path(__file__).parent / "axe"
CHEAP = {"memory_kib": 64, "passes": 1}


class Profile(UserProfile):
    """What this app wants to know."""

    __sign_up__ = ("company", "newsletter")
    company: Mapped[str] = field(max_length=40, default="")
    newsletter: Mapped[bool] = field(default=False)
    city: Mapped[str | None] = field(max_length=60)


def app() -> Mainstay:
    return Mainstay(title="Tea & Books", user=Profile)


@pytest.fixture
def backend() -> Iterator[Backend]:
    with Backend(app(), settings={"accounts": {"verified": True}, "passwords": CHEAP}) as opened:
        yield opened


@pytest.fixture
def visitor(backend: Backend) -> Visitor:
    return Visitor(backend)


@dataclass(frozen=True)
class Site:
    """The app behind a real server."""

    url: str
    backend: Backend


@pytest.fixture
def site() -> Iterator[Site]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        settings = {"accounts": {"verified": True, "links": f"{url}/auth"}, "passwords": CHEAP}
        settings["factors"] = {"rp_id": "localhost", "origins": [url.replace("127.0.0.1", "localhost")]}
        with Backend(app(), settings=settings) as backend:
            config = uvicorn.Config(backend.app, lifespan="off", log_level="critical", ws="none")
            server = uvicorn.Server(config)
            serving = backend.portal.start_task_soon(server.serve, [listening])
            deadline = time.monotonic() + 10
            while not server.started:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield Site(url, backend)
            server.should_exit = True
            serving.result(10)


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core, the script that looks for barriers."""
    try:
        folder = node_packages.installed(AXE, services.Services().folder)
    except node_packages.NodeTooOld as old:
        pytest.skip(str(old))
    except services.ServiceMissing as missing:
        pytest.fail(str(missing), pytrace=False)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")

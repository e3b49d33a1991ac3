"""An app with pages, opened for one test; a server for browsers, and what looks for barriers in pages."""

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest
import uvicorn
from pydantic import BaseModel, Field
from sqlalchemy.orm import Mapped

from mainstay import Mainstay, UserProfile, field
from mainstay.testing import Backend
from scripts import node_packages, services
from tests.rooms.identity.federation.hostile import HostileIssuer
from tests.rooms.identity.pages.visitor import Visitor

AXE = Path(__file__).parent / "axe"
CHEAP = {"memory_kib": 64, "passes": 1}


class Size(StrEnum):
    small = "small"
    large = "large"


class Column(BaseModel):
    """For programs: no form draws it."""

    name: str = ""


class Preferences(BaseModel):
    """What users like."""

    digest: Literal["never", "daily", "weekly"] = "daily"
    compact: bool = False
    page_size: int = Field(20, ge=5, le=100)
    columns: list[Column] = []


class Profile(UserProfile):
    """What this app wants to know."""

    __sign_up__ = ("company", "newsletter")
    __preferences__ = Preferences
    company: Mapped[str] = field(max_length=40, default="")
    newsletter: Mapped[bool] = field(default=False)
    city: Mapped[str | None] = field(max_length=60)
    born: Mapped[date | None] = field()
    seen: Mapped[datetime | None] = field()
    size: Mapped[Size | None] = field()
    floor: Mapped[int | None] = field(ge=-3, le=30)
    about: Mapped[str | None] = field(max_length=1000)
    tags: Mapped[list[str] | None] = field()


def app() -> Mainstay:
    return Mainstay(title="Tea & Books", user=Profile)


@dataclass(frozen=True)
class Site:
    """The app behind a real server."""

    url: str
    backend: Backend


@pytest.fixture(scope="session")
def issuer() -> Iterator[HostileIssuer]:
    """Where users may have another account."""
    with HostileIssuer() as opened:
        yield opened


def acme(issuer: HostileIssuer) -> dict[str, object]:
    """That issuer, as settings."""
    secret = "0123456789abcdef"
    known = {"issuer": issuer.url, "client_id": "us", "client_secret": secret, "trust_email": "verified"}
    return {"acme": {"title": "Acme", **known}}


@pytest.fixture
def backend(issuer: HostileIssuer) -> Iterator[Backend]:
    settings = {"accounts": {"verified": True}, "passwords": CHEAP, "federation": acme(issuer)}
    with Backend(app(), settings=settings) as opened:
        yield opened


@pytest.fixture
def visitor(backend: Backend) -> Visitor:
    return Visitor(backend)


@pytest.fixture
def site(issuer: HostileIssuer) -> Iterator[Site]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        settings: dict[str, object] = {"accounts": {"verified": True, "links": f"{url}/auth"}, "passwords": CHEAP}
        settings["federation"] = acme(issuer)
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

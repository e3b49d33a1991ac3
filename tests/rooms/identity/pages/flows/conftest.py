"""An app with pages on each database in turn. One for all tests of a module: each makes accounts of its own."""

import secrets
from collections.abc import Iterator

import pytest

from mainstay.testing import Backend
from tests.databases import Administrator, Urls
from tests.rooms.identity.federation.hostile import HostileIssuer
from tests.rooms.identity.pages.conftest import CHEAP, acme, app
from tests.rooms.identity.pages.visitor import Visitor


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def backend(
    request: pytest.FixtureRequest, issuer: HostileIssuer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('pages') / 'test.db'}"
        yield from opened(Urls(url, url, "sqlite"), issuer)
        return
    administrator: Administrator = request.getfixturevalue("administrator")
    urls = administrator.create()
    yield from opened(urls, issuer)
    administrator.drop(urls)


def opened(urls: Urls, issuer: HostileIssuer) -> Iterator[Backend]:
    settings = {
        "accounts": {"verified": True},
        "passwords": CHEAP,
        "federation": acme(issuer),
        "factors": {"rp_id": "localhost", "origins": ["http://localhost:8000"]},
    }
    with Backend(app(), database_url=urls.database_url, system_url=urls.system_url, settings=settings) as backend:
        yield backend


@pytest.fixture
def visitor(backend: Backend) -> Visitor:
    """Somebody whom this app has not seen before."""
    return Visitor(backend, f"ada-{secrets.token_hex(4)}@example.com")

"""A real issuer (node's oidc-provider), an app that knows it, and a browser that goes to and fro."""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey

from mainstay import Mainstay
from mainstay.testing import Backend
from scripts import node_packages, services
from tests.databases import Administrator, Urls
from tests.rooms.identity.federation.browser import OURS, Browser
from tests.rooms.identity.federation.hostile import HostileIssuer

HERE = Path(__file__).parent / "upstream"
GUID = "11111111-2222-3333-4444-555555555555"
CLIENT_KEY = ECKey.generate_key("P-256", {"kid": "ours", "use": "sig", "alg": "ES256"}, private=True)


@dataclass(frozen=True)
class Upstream:
    """An issuer that runs: its address, and accounts as a test makes them."""

    url: str

    def account(self, email: str | None = None, **claims: Any) -> str:
        """Its subject. With an address it is verified unless told otherwise."""
        sub = secrets.token_hex(6)
        if email is not None:
            claims = {"email": email, "email_verified": True, **claims}
        httpx2.post(f"{self.url}/_account", json={"sub": sub, **claims}).raise_for_status()
        return sub


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    """node's oidc-provider, for as long as the tests run."""
    try:
        folder = node_packages.installed(HERE, services.Services().folder)
    except node_packages.NodeTooOld as old:
        # Debian 12 has no newer one: the rest of the suite still has its say.
        pytest.skip(str(old))
    except services.ServiceMissing as missing:
        pytest.fail(str(missing), pytrace=False)
    public = {**CLIENT_KEY.as_dict(private=False), "kid": "ours", "use": "sig", "alg": "ES256"}
    node, _ = node_packages.require_node()
    process = subprocess.Popen(
        [node, HERE / "issuer.mjs"],
        cwd=folder,
        env={**os.environ, "CLIENT_JWK": json.dumps(public)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("ready "):
            break
    else:
        pytest.fail("the issuer did not start: run it by hand to see why")
    yield Upstream(f"http://127.0.0.1:{line.split()[1]}")
    assert process.stdin is not None
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


@pytest.fixture(scope="session")
def hostile() -> Iterator[HostileIssuer]:
    """An issuer that says whatever a test has it say."""
    with HostileIssuer() as issuer:
        yield issuer


def providers_of(upstream: Upstream, hostile: HostileIssuer) -> dict[str, dict[str, Any]]:
    """The same issuer under several names, each in another way; a hostile one; and GitHub."""
    basic = {"issuer": upstream.url, "client_id": "basic", "client_secret": "se:cret/+%", "trust_email": "verified"}
    post = {**basic, "client_id": "post", "client_secret": "secret", "authentication": "post"}
    pem = CLIENT_KEY.as_pem(private=True).decode()
    jwt = {**basic, "client_id": "jwt", "client_secret": None, "private_key": pem, "authentication": "private_key_jwt"}
    return {
        "up": basic,
        "post": {**post, "keep_tokens": True, "trust_email": "never"},
        "jwt": jwt,
        "bare": {**basic, "client_id": "public", "client_secret": None, "authentication": "none", "sign_up": False},
        "other": {**basic, "client_id": "es", "client_secret": "secret", "trust_email": "always"},
        "entra": {
            "authority": upstream.url,
            "tenant": "common",
            "tenants": [GUID],
            "client_id": "post",
            "client_secret": "secret",
        },
        "hostile": {
            "issuer": hostile.url,
            "client_id": "us",
            "client_secret": "0123456789abcdef",
            "trust_email": "verified",
        },
        "liar": {"issuer": f"{hostile.url}/liar", "client_id": "us", "client_secret": "secret"},
        "github": {"site": hostile.url, "api": f"{hostile.url}/api", "client_id": "us", "client_secret": "secret"},
        "tenants": {
            "preset": "entra",
            "authority": hostile.url,
            "tenant": "common",
            "tenants": [GUID],
            "client_id": "us",
            "client_secret": "secret",
            "trust_email": "always",
        },
        "google": {**post, "preset": "google", "domains": ["example.org"], "trust_email": "verified"},
    }


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def backend(
    request: pytest.FixtureRequest,
    upstream: Upstream,
    hostile: HostileIssuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Backend]:
    """An app on each database in turn, whose users may come from the issuer. One for all tests of a module: they make
    their own accounts."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('federation') / 'test.db'}"
        yield from opened(Urls(url, url, "sqlite"), upstream, hostile)
        return
    administrator: Administrator = request.getfixturevalue("administrator")
    urls = administrator.create()
    yield from opened(urls, upstream, hostile)
    administrator.drop(urls)


def opened(urls: Urls, upstream: Upstream, hostile: HostileIssuer) -> Iterator[Backend]:
    settings = {
        "federation": providers_of(upstream, hostile),
        "federation_origins": ["https://app.example"],
        "passwords": {"memory_kib": 8192, "passes": 1},
        "public_url": OURS,
    }
    app = Mainstay()
    with Backend(app, database_url=urls.database_url, system_url=urls.system_url, settings=settings) as backend:
        yield backend


@pytest.fixture
def own_browser(sqlite_urls: Urls, upstream: Upstream, hostile: HostileIssuer) -> Iterator[Browser]:
    """A browser before an app of the test's own, whose clock it may move."""
    for backend in opened(sqlite_urls, upstream, hostile):
        with Browser(backend) as browser:
            yield browser


@pytest.fixture
def browser(backend: Backend) -> Iterator[Browser]:
    with Browser(backend) as opened:
        yield opened


@pytest.fixture
def address() -> str:
    """An e-mail address that nobody has."""
    return f"{secrets.token_hex(6)}@example.org"

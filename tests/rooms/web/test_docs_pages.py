"""Swagger UI and ReDoc from our own host."""

import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from mainstay.web.pages import DocsPages

PAGES = DocsPages(title="Shop <3", openapi_url="/openapi.json", oauth2_redirect_url="/docs/oauth2-redirect")


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=PAGES.routes()))


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/oauth2-redirect"])
def test_a_page_names_no_other_host_and_runs_no_inline_script(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "//" not in answer.text.replace("</", "")
    for attributes in re.findall(r"<script([^>]*)>", answer.text):
        assert "src=" in attributes or 'type="application/json"' in attributes
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe-eval" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_files_of_a_page_are_there_and_may_be_kept_for_a_year(client: TestClient, path: str) -> None:
    files = re.findall(r'(?:src|href)="(/docs-assets/[^"]+)"', client.get(path).text)
    assert len(files) >= 2
    for file in files:
        answer = client.get(file)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert len(answer.content) > 100


def test_a_caller_who_takes_no_gzip_gets_the_file_unpacked(client: TestClient) -> None:
    file = re.search(r'"(/docs-assets/[^"]+bundle.js)"', client.get("/docs").text)
    assert file is not None
    plain = client.get(file[1], headers={"accept-encoding": "identity"})
    packed = client.get(file[1], headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.content == packed.content


def test_the_vendored_viewers_load_nothing_from_a_cdn(client: TestClient) -> None:
    for page in ("/docs", "/redoc"):
        for file in re.findall(r'(?:src|href)="(/docs-assets/[^"]+)"', client.get(page).text):
            assert not re.search(r"https?://[a-z0-9.-]*(cdn|jsdelivr|unpkg|googleapis)", client.get(file).text)


def test_a_title_cannot_break_out_of_the_page(client: TestClient) -> None:
    assert "Shop <3" not in client.get("/docs").text


def test_a_page_that_is_not_wanted_is_not_there() -> None:
    client = TestClient(Starlette(routes=DocsPages("Shop", "/openapi.json", docs_url=None).routes()))
    assert client.get("/docs").status_code == 404
    assert client.get("/redoc").status_code == 200

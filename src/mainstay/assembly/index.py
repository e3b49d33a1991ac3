"""The page at `/`: what is served here, live; and the same as JSON for programs."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mainstay.web.pages import HtmlPage

PAGE = HtmlPage("mainstay.assembly.pages", "index", "index.css")


@dataclass(frozen=True, slots=True)
class IndexField:
    """A field, as the page lists it."""

    name: str
    kind: str
    required: bool


@dataclass(frozen=True, slots=True)
class IndexResource:
    """A resource, as the page lists it."""

    name: str
    url: str
    description: str
    fields: tuple[IndexField, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """What there is to show."""

    title: str
    version: str
    summary: str
    resources: Sequence[IndexResource]
    links: dict[str, str]
    sign_up: bool = False


def index_route(index: Callable[[], Index]) -> Route:
    """`GET /`: HTML for browsers, JSON for everybody else."""

    async def show(request: Request) -> Response:
        root = str(request.scope.get("root_path", "")).rstrip("/")
        found = index()
        if "text/html" in request.headers.get("accept", ""):
            return _page(found, root)
        return JSONResponse(_document(found, root), headers={"vary": "Accept"})

    return Route("/", show, include_in_schema=False, name="mainstay_index")


def _document(index: Index, root: str) -> dict[str, Any]:
    return {
        "title": index.title,
        "version": index.version,
        "links": {name: root + url for name, url in index.links.items()},
        "resources": {each.name: root + each.url for each in index.resources},
    }


def _page(index: Index, root: str) -> Response:
    links = "".join(
        f'<li><a href="{html.escape(root + url)}">{html.escape(url)}</a></li>' for url in index.links.values()
    )
    data = {
        "root": root,
        "resources": [
            {
                "name": each.name,
                "url": each.url,
                "description": each.description,
                "fields": [{"name": f.name, "kind": f.kind, "required": f.required} for f in each.fields],
            }
            for each in index.resources
        ],
    }
    words = {
        "title": index.title,
        "summary": index.summary or f"version {index.version}",
        "root": root,
        "footer": f"{index.title} {index.version}, on Mainstay",
    }
    sign_up = '<button class="plain" name="sign-up">Sign up</button>' if index.sign_up else ""
    response = PAGE.render(words, data, {"links": links, "sign_up": sign_up})
    response.headers["vary"] = "Accept"
    return response

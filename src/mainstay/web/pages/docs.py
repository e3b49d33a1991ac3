"""Swagger UI and ReDoc from our own host: no CDN, no inline script, a strict content security policy."""

import gzip
import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib import resources
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from mainstay.base.errors import NotFound
from mainstay.web.pages.html_page import data_block

Viewer = Literal["swagger", "redoc"]

# Both viewers set style attributes and style elements at run time; ReDoc searches in a worker made from a blob.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FILES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-init.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "oauth2-redirect.js": "text/javascript; charset=utf-8",
    "redoc.standalone.js": "text/javascript; charset=utf-8",
    "redoc-init.js": "text/javascript; charset=utf-8",
}
_SCRIPTS: dict[Viewer, tuple[str, str]] = {
    "swagger": ("swagger-ui-bundle.js", "swagger-init.js"),
    "redoc": ("redoc.standalone.js", "redoc-init.js"),
}


@dataclass(frozen=True, slots=True)
class DocsPages:
    """What the pages show and where they stand; None for a page that is not wanted."""

    title: str
    openapi_url: str
    docs_url: str | None = "/docs"
    redoc_url: str | None = "/redoc"
    oauth2_redirect_url: str | None = None
    swagger_parameters: Mapping[str, Any] = field(default_factory=dict)
    redoc_parameters: Mapping[str, Any] = field(default_factory=dict)
    init_oauth: Mapping[str, Any] | None = None
    assets_url: str = "/docs-assets"

    def routes(self) -> list[BaseRoute]:
        """Routes for the pages and their files. The files carry their digest in the name and may be kept for a year."""
        return _routes(self)


def _routes(pages: DocsPages) -> list[BaseRoute]:
    async def swagger(request: Request) -> Response:
        root = _root(request)
        redirect = pages.oauth2_redirect_url
        config = {
            "url": root + pages.openapi_url,
            "oauth2Redirect": root + redirect if redirect else None,
            "initOAuth": pages.init_oauth,
            "parameters": dict(pages.swagger_parameters),
        }
        return _page("swagger", pages, root, f"{pages.title} · API", config)

    async def redoc(request: Request) -> Response:
        root = _root(request)
        config = {"url": root + pages.openapi_url, "parameters": dict(pages.redoc_parameters)}
        return _page("redoc", pages, root, f"{pages.title} · reference", config)

    async def redirected(request: Request) -> Response:
        script = _asset(pages, _root(request), "oauth2-redirect.js")
        page = f'<!doctype html><html lang="en"><title>Signing in</title><script src="{script}"></script></html>'
        return HTMLResponse(page, headers={"content-security-policy": POLICY})

    async def asset(request: Request) -> Response:
        digest, _, name = request.path_params["name"].partition("-")
        if name not in _FILES or digest != _digest(name):
            raise NotFound("There is no such file.")
        packed = "gzip" in request.headers.get("accept-encoding", "")
        body = _packed(name)
        headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "Accept-Encoding"}
        if packed:
            headers["content-encoding"] = "gzip"
        return Response(body if packed else gzip.decompress(body), media_type=_FILES[name], headers=headers)

    wanted = [
        (pages.docs_url, swagger),
        (pages.oauth2_redirect_url if pages.docs_url else None, redirected),
        (pages.redoc_url, redoc),
        (pages.assets_url + "/{name}" if pages.docs_url or pages.redoc_url else None, asset),
    ]
    return [Route(path, endpoint, include_in_schema=False) for path, endpoint in wanted if path]


def _page(viewer: Viewer, pages: DocsPages, root: str, title: str, config: dict[str, Any]) -> Response:
    style = f'<link rel="stylesheet" href="{_asset(pages, root, "swagger-ui.css")}">' if viewer == "swagger" else ""
    scripts = "".join(f'<script src="{_asset(pages, root, name)}"></script>' for name in _SCRIPTS[viewer])
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{html.escape(title)}</title><link rel="icon" href="data:,">{style}<style>body{{margin:0}}</style>'
        f'</head><body><main id="docs"></main><noscript>This page needs JavaScript; the API is described at '
        f'<a href="{html.escape(config["url"])}">{html.escape(config["url"])}</a>.</noscript>'
        f"{data_block('config', config)}{scripts}</body></html>"
    )
    return HTMLResponse(page, headers={"content-security-policy": POLICY, "referrer-policy": "no-referrer"})


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", "")).rstrip("/")


def _asset(pages: DocsPages, root: str, name: str) -> str:
    return html.escape(f"{root}{pages.assets_url}/{_digest(name)}-{name}")


_loaded: dict[str, bytes] = {}


def _packed(name: str) -> bytes:
    if name not in _loaded:
        folder = resources.files("mainstay.web.pages") / "static"
        packed = folder / f"{name}.gz"
        _loaded[name] = (
            packed.read_bytes() if packed.is_file() else gzip.compress((folder / name).read_bytes(), mtime=0)
        )
    return _loaded[name]


def _digest(name: str) -> str:
    return blake2b(_packed(name), digest_size=6).hexdigest()

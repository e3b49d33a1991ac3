"""`/mainstay-1.js` and its types: the client for pages, as they are in the package.

The number is that of the module's interface: what a page imports goes on to work, and an incompatible one would be
served beside it under the next number.
"""

from hashlib import blake2b
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

FILES = {
    "mainstay-1.js": "text/javascript; charset=utf-8",
    # Not video/mp2t, which `.ts` means elsewhere.
    "mainstay-1.d.ts": "text/plain; charset=utf-8",
}


def javascript_client_routes() -> list[BaseRoute]:
    """Both files, for everybody. They are asked for again by ETag, so that a repaired one is used at once."""
    return [_route(name, media_type) for name, media_type in FILES.items()]


def _route(name: str, media_type: str) -> BaseRoute:
    text = (resources.files("mainstay.assembly.pages") / name).read_bytes()
    headers = {"etag": f'"{blake2b(text, digest_size=12).hexdigest()}"', "cache-control": "public, no-cache"}

    async def file(request: Request) -> Response:
        named = request.headers.get("if-none-match", "").split(",")
        if headers["etag"] in [each.strip().removeprefix("W/") for each in named]:
            return Response(status_code=304, headers=headers)
        return Response(text, media_type=media_type, headers=headers)

    return Route(f"/{name}", file, include_in_schema=False)

"""HTTP itself: problems, bodies, conditional requests, request ids and the access log.

Alone, in any ASGI app:

    from mainstay.web import AccessLog, Spine, parse_json, read_body, send_bytes

    async def echo(scope, receive, send):
        value = parse_json(await read_body(scope, receive))      # strict JSON, bounded in size and time
        await send_bytes(send, 200, [(b"content-type", b"text/plain")], repr(value).encode())

    app = Spine(echo, AccessLog("json"))                         # X-Request-ID, one log line, problem+json
"""

from mainstay.web.access_log import AccessLog
from mainstay.web.body import BodyLimits, read_body
from mainstay.web.body_guard import BodyGuard, reached_route
from mainstay.web.caller import bearer
from mainstay.web.conditional import if_none_match, matched_versions
from mainstay.web.problems import problem
from mainstay.web.responses import send_bytes
from mainstay.web.spine import Spine
from mainstay.web.strict_json import parse_json

__all__ = [
    "AccessLog",
    "BodyGuard",
    "BodyLimits",
    "Spine",
    "bearer",
    "if_none_match",
    "matched_versions",
    "parse_json",
    "problem",
    "reached_route",
    "read_body",
    "send_bytes",
]

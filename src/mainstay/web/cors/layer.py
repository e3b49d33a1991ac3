"""The layer that answers preflights and marks answers as readable."""

from collections.abc import Awaitable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mainstay.web.cors.rules import CorsRule, CorsRules

VARY = (b"vary", b"Origin")
_PREFLIGHT_VARY = (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
_READABLE = b"access-control-allow-origin"


class Cors:
    """Answers preflights by the rules, and says on other answers which page may read them.

    A preflight from an origin that no rule knows goes on to the app, and so does an answer that the app has marked
    itself: a mounted app may have rules of its own. Requests without an Origin are handed on as they are.
    """

    def __init__(self, app: ASGIApp, rules: CorsRules) -> None:
        self._app = app
        self._rules = rules

    # Not a coroutine itself: what is handed on costs a call and not a frame of the event loop.
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if not self._rules.any or scope["type"] != "http":
            return self._app(scope, receive, send)
        for name, value in scope["headers"]:
            if name == b"origin":
                return self._cross(value.decode("latin-1"), scope, receive, send)
        # Also where nobody asked: a cache would hand this very answer to a page later.
        scope.setdefault("mainstay.headers", []).append(VARY)
        return self._app(scope, receive, send)

    async def _cross(self, origin: str, scope: Scope, receive: Receive, send: Send) -> None:
        rule = self._rules.of_operator(origin)
        if scope["method"] == "OPTIONS" and (wanted := _asked(scope)) is not None:
            answering = rule or self._rules.of_any_tenant(origin)
            if answering is not None:
                await _answer_preflight(send, answering, origin, wanted)
                return
        extra = scope.setdefault("mainstay.headers", [])
        extra.append(VARY)

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start" and not _is_marked(message):
                extra.extend(self._marks(rule, origin, scope))
            await send(message)

        try:
            await self._app(scope, receive, marked)
        except Exception:
            # Whoever answers it stands further out; the page shall be able to read that too.
            extra.extend(self._marks(rule, origin, scope))
            raise

    def _marks(self, rule: CorsRule | None, origin: str, scope: Scope) -> list[tuple[bytes, bytes]]:
        if rule is None:
            caller = scope.get("mainstay.caller")
            if caller is None or caller.scope is None:
                # Sign-in, and refusals of a proof: no tenant has a part in them.
                rule = self._rules.of_any_tenant(origin)
            else:
                rule = self._rules.of_tenant(caller.scope.tenant_id, origin)
        return [] if rule is None else rule.marks(origin)


def _asked(scope: Scope) -> tuple[bytes, bytes] | None:
    """The method and the headers that a preflight asks for; None for an OPTIONS that is none."""
    found: dict[bytes, bytes] = dict(scope["headers"])
    method = found.get(b"access-control-request-method")
    return None if method is None else (method, found.get(b"access-control-request-headers", b""))


async def _answer_preflight(send: Send, rule: CorsRule, origin: str, wanted: tuple[bytes, bytes]) -> None:
    # The browser compares; an answer that is refused outright would not tell a developer what is missing.
    headers: list[Any] = [*rule.permissions(origin, wanted[1]), _PREFLIGHT_VARY, (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _is_marked(message: Message) -> bool:
    return any(name == _READABLE for name, _ in message.get("headers", ()))

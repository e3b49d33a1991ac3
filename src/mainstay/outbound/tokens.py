"""Access tokens for a service, by client credentials (RFC 6749 §4.4): fetched once, kept, renewed in time."""

import asyncio
import base64
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import quote_plus

import httpx2

from mainstay.base.clock import Clock
from mainstay.outbound.errors import AnswerRefused, ServiceAway
from mainstay.outbound.figures import ServiceFigures
from mainstay.outbound.options import TokenOptions

# Where the issuer doesn't say (RFC 6749 §5.1 only recommends it).
_UNSTATED = 300.0
# A token that is refused so soon after it was made is refused for other reasons than its age.
_YOUNG = 5.0


class ClientCredentials(httpx2.Auth):
    """Puts a token on every request. Of many that need a new one, one asks the issuer.

    A 401 has the token renewed and the request sent once more, unless the token was made just now.
    """

    def __init__(self, options: TokenOptions, issuer: httpx2.AsyncClient, clock: Clock, figures: ServiceFigures):
        self._options, self._issuer, self._clock, self._figures = options, issuer, clock, figures
        self._token: str | None = None
        self._made = self._good_until = float("-inf")
        self._asking: asyncio.Task[str] | None = None

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        token = await self.token()
        request.headers["Authorization"] = f"Bearer {token}"
        answer = yield request
        if answer.status_code != 401 or not isinstance(request.stream, httpx2.ByteStream):
            return
        if self._token == token and self._clock.monotonic() - self._made < _YOUNG:
            return
        request.headers["Authorization"] = f"Bearer {await self.token(instead_of=token)}"
        yield request

    async def token(self, instead_of: str | None = None) -> str:
        """A token that is good for a while, and is not the one given. Raises ServiceAway or AnswerRefused."""
        known = self._token
        if known is not None and known != instead_of and self._clock.monotonic() < self._good_until:
            return known
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name="mainstay-token")
            self._asking.add_done_callback(self._asked)
        # Shielded: the one who asked first may give up, and the others still want it.
        return await asyncio.shield(self._asking)

    def _asked(self, task: asyncio.Task[str]) -> None:
        self._asking = None
        if not task.cancelled():
            task.exception()  # told to those who wait; nobody may

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        await self._issuer.aclose()

    async def _ask(self) -> str:
        o = self._options
        form = {"grant_type": "client_credentials"}
        form |= {name: value for name in ("scope", "audience", "resource") if (value := getattr(o, name))}
        headers = {"Accept": "application/json"}
        if o.authentication == "basic":
            headers["Authorization"] = basic(o.client_id, o.client_secret.reveal())
        else:
            form |= {"client_id": o.client_id, "client_secret": o.client_secret.reveal()}
        # Asking twice for a token is as good as once.
        answer = await self._issuer.post(
            o.token_url, data=form, headers=headers, extensions={"mainstay.repeatable": True}
        )
        token, seconds = _read(answer)
        self._figures.tokens += 1
        now = self._clock.monotonic()
        self._token, self._made = token, now
        self._good_until = now + max(seconds - o.margin, seconds / 2)
        return token


def basic(client_id: str, secret: str) -> str:
    """The Authorization header of RFC 6749 §2.3.1: both halves form-encoded before they are joined."""
    return "Basic " + base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()


def _read(answer: httpx2.Response) -> tuple[str, float]:
    try:
        told: Any = answer.json()
    except ValueError:
        told = None
    told = told if isinstance(told, dict) else {}
    if answer.status_code != 200:
        # RFC 6749 §5.2: a code from a short list; the description may quote what was sent.
        code = str(told.get("error", ""))[:60] if str(told.get("error", "")).isidentifier() else ""
        raise ServiceAway(
            "A service that this answer depends on gives us no access.",
            fix=f"The token issuer answered {answer.status_code} {code}: check client id, secret and scope.",
        )
    token, kind = told.get("access_token"), told.get("token_type", "Bearer")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or str(kind).lower() != "bearer":
        raise AnswerRefused("A token issuer answered without a bearer token.")
    try:
        seconds = float(told.get("expires_in", _UNSTATED))
    except (TypeError, ValueError):
        seconds = _UNSTATED
    return token, seconds if 0 <= seconds < float("inf") else _UNSTATED

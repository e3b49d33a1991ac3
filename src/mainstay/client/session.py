"""What clients say to the server, and how its tokens are kept fresh: one exchange at a time.

The three rules of docs/explanation/sessions.md: an answer to a refresh counts for ten seconds; what it holds is stored
before it is used; and only over the token that was shown.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypedDict
from urllib.parse import urlsplit

import httpx2
import orjson

from mainstay.client.errors import ClientError, Problem, StepUpRequired, Unreachable, problem_of
from mainstay.client.query import Query, pairs
from mainstay.client.steps import Ask, Flow, Pause, Send
from mainstay.client.stores import MemoryStore, Tokens, TokenStore

GIVE_UP = 10.0  # seconds: a third of the window in which the server answers a repeated refresh alike
PAUSES = (0.25, 1.0)  # seconds between the attempts of what may be repeated
LONGEST_PAUSE = 5.0
PASSING = (502, 503, 504)
SignedOut = Callable[[str], object] | None


class RequestOptions(TypedDict, total=False):
    """What may be said about a request. `json` is anything that JSON can say; `content` are bytes as they are."""

    params: Query
    json: Any
    content: bytes
    headers: Mapping[str, str]
    if_match: str | None
    idempotency_key: str | None
    anonymous: bool
    check: bool


class Session:
    """One session with one app, for any number of threads or tasks."""

    def __init__(self, url: str, store: TokenStore | None, tenant: str | None, on_signed_out: SignedOut) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ClientError(f"{url!r} is no web address: say where the app is, as https://app.example.")
        self._base = url.rstrip("/")
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._tenant = tenant
        self._on_signed_out = on_signed_out
        self._telling = threading.Lock()
        self._is_on = False
        self._exchanged = 0
        self.store = MemoryStore() if store is None else store

    # -- Signing in and out

    def sign_up(self, account: Mapping[str, Any]) -> Flow[dict[str, Any]]:
        answer = yield from self.request("POST", "/auth/sign-up", {"json": account, "anonymous": True})
        return dict(answer.json())

    def sign_in(self, path: str, proof: Mapping[str, Any]) -> Flow[str]:
        """The scopes that were given."""
        asked: RequestOptions = {"json": {**proof, "mode": "bearer"}, "anonymous": True}
        told = (yield from self.request("POST", path, asked)).json()
        tokens = Tokens.answered(told["access_token"], told["refresh_token"], told["expires_in"])
        # Else somebody who finds the old session ended would take away the new one.
        give_back = yield from self._exclusively()
        try:
            self.store.write(tokens)
        finally:
            give_back()
        self._is_on = True
        return str(told["scope"])

    def sign_out(self, path: str) -> Flow[int]:
        """How many sessions ended, where the server says. The tokens are forgotten even if it cannot be reached."""
        try:
            answer = yield from self.request("POST", path, {})
            return int(answer.json()["count"]) if answer.content else 0
        except Problem as problem:
            if problem.status != 401:
                raise
            return 0
        finally:
            self._end("signed-out")

    # -- Requests

    def request(self, method: str, path: str, options: RequestOptions) -> Flow[httpx2.Response]:
        """The answer. Raises Problem for a refusal, unless `check` is false, and Unreachable.

        A read, and whatever has an idempotency key, is repeated where the answer was lost.
        """
        send = self._prepared(method, path, options)
        may = method.upper() in ("GET", "HEAD") or options.get("idempotency_key") is not None
        pauses = (*PAUSES, None) if may else (None,)
        own = options.get("anonymous", False) or any(name.lower() == "authorization" for name in send.headers)
        for pause in pauses:
            try:
                answer = (yield send) if own else (yield from self._proved(send))
            except Unreachable as error:
                if pause is None or error.tried:
                    raise
            else:
                if answer.is_success or not options.get("check", True):
                    return answer
                problem = problem_of(answer)
                after = _seconds(answer.headers.get("retry-after"))
                passing = answer.status_code in PASSING or problem.code == "idempotency_in_flight"
                if pause is None or not passing or after > LONGEST_PAUSE:
                    raise problem
                pause = max(pause, after)
            yield Pause(pause * random.uniform(0.75, 1.25))  # noqa: S311  spreads attempts, guards nothing
        raise Unreachable

    def _proved(self, send: Send) -> Flow[httpx2.Response]:
        """The answer to a request that says who is calling; repeated after a 401 with what is exchanged then."""
        before = self._exchanged
        tokens = yield from self.fresh()
        answer: httpx2.Response = yield _with(send, tokens)
        if answer.status_code != 401:
            return answer
        problem = problem_of(answer)
        if isinstance(problem, StepUpRequired):
            if (yield Ask(problem)):
                answer = yield _with(send, (yield from self.fresh()))
            return answer
        for _ in range(2):
            if tokens is None or (tokens := (yield from self.renew(tokens))) is None:
                return answer
            answer = yield _with(send, tokens)
            if not _is_refused(answer):
                return answer
            if self._exchanged != before:
                break  # what another process exchanged may be old by now; this was fresh
        give_back = yield from self._exclusively()
        try:
            self._end("refused", tokens)
        finally:
            give_back()
        return answer

    def _prepared(self, method: str, path: str, options: RequestOptions) -> Send:
        if not path.startswith("/"):
            parts = urlsplit(path)
            # A token that is sent to another's server is theirs.
            if f"{parts.scheme}://{parts.netloc}" != self._origin:
                raise ClientError(f"{path!r} is not of {self._origin}: this client talks to one app.")
        headers = dict(options.get("headers") or {})
        if self._tenant is not None:
            headers.setdefault("X-Tenant-ID", self._tenant)
        for name, value in (("If-Match", options.get("if_match")), ("Idempotency-Key", options.get("idempotency_key"))):
            if value is not None:
                headers[name] = value
        content = options.get("content")
        if "json" in options:
            content = orjson.dumps(options["json"], _in_words)
            headers.setdefault("Content-Type", "application/json")
        url = self._base + path if path.startswith("/") else path
        return Send(method, url, headers, pairs(options.get("params") or {}) or None, content)

    # -- Keeping it fresh

    def fresh(self) -> Flow[Tokens | None]:
        """Tokens that are good for some seconds at least; None when nobody is signed in."""
        tokens = self.store.read()
        if tokens is None:
            self._tell("elsewhere")
            return None
        self._is_on = True
        if not tokens.is_due():
            return tokens
        try:
            return (yield from self.renew(tokens))
        except (Unreachable, Problem):
            # Away for a moment: what we have is good for some seconds yet.
            if tokens.is_over() or self.store.read() != tokens:
                raise
            return tokens

    def _exclusively(self) -> Flow[Callable[[], None]]:
        while (give_back := self.store.acquire()) is None:
            yield Pause(0.02)
        return give_back

    def renew(self, seen: Tokens | None) -> Flow[Tokens | None]:
        """Exchange the tokens, unless somebody has since `seen`; None when the session is over."""
        wait = 0.005
        while (give_back := self.store.acquire()) is None:
            yield Pause(wait * random.uniform(0.5, 1.5))  # noqa: S311  spreads those who wait
            wait = min(wait * 2, 0.1)
            now = self.store.read()
            if seen is not None and now is not None and now != seen and not now.is_due():
                return now
        try:
            return (yield from self._exchange(seen))
        finally:
            give_back()

    def _exchange(self, seen: Tokens | None) -> Flow[Tokens | None]:
        for pause in (*PAUSES, None):
            shown = self.store.read(fresh=True)
            if shown is None or (seen is not None and shown != seen and not shown.is_due()):
                return shown
            try:
                answer = yield from self._asked(shown)
            except Unreachable as error:
                if pause is None:
                    error.tried = True
                    raise
                yield Pause(pause)
                continue
            stored = self.store.read(fresh=True)
            if stored is None or stored.refresh_token != shown.refresh_token:
                continue  # somebody signed in or out while we asked: theirs is what counts
            if answer.status_code == 200:
                told = answer.json()
                tokens = Tokens.answered(told["access_token"], told["refresh_token"], told["expires_in"])
                self.store.write(tokens)
                self._exchanged += 1
                return tokens
            if answer.status_code == 401:
                self._end("ended", shown)
                return self.store.read()
            if answer.status_code < 500 or pause is None:
                raise problem_of(answer)
            yield Pause(pause)
        return self.store.read()

    def _asked(self, shown: Tokens) -> Flow[httpx2.Response]:
        began = time.monotonic()
        limits = httpx2.Timeout(GIVE_UP / 2, pool=GIVE_UP)
        asked: RequestOptions = {"json": {"refresh_token": shown.refresh_token}}
        plain = self._prepared("POST", "/auth/refresh", asked)
        answer: httpx2.Response = yield Send(plain.method, plain.url, plain.headers, None, plain.content, limits)
        if time.monotonic() - began > GIVE_UP:
            raise Unreachable("The server took too long to exchange the tokens.")
        return answer

    def _end(self, reason: str, shown: Tokens | None = None) -> None:
        """Signed out, unless somebody has signed in since `shown` was stored."""
        stored = self.store.read(fresh=True)
        if shown is not None and stored is not None and stored.refresh_token != shown.refresh_token:
            return
        self._is_on = self._is_on or stored is not None
        self.store.write(None)
        self._tell(reason)

    def _tell(self, reason: str) -> None:
        with self._telling:
            was_on, self._is_on = self._is_on, False
        if was_on and self._on_signed_out is not None:
            self._on_signed_out(reason)


def _with(send: Send, tokens: Tokens | None) -> Send:
    if tokens is None:
        return send
    headers = {**send.headers, "Authorization": f"Bearer {tokens.access_token}"}
    return Send(send.method, send.url, headers, send.params, send.content, send.timeout)


def _is_refused(answer: httpx2.Response) -> bool:
    """The token was; a route's own 401 says no such thing."""
    return answer.status_code == 401 and 'error="invalid_token"' in answer.headers.get("www-authenticate", "")


def _in_words(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError


def _seconds(header: str | None) -> float:
    return float(header) if header is not None and header.isascii() and header.isdigit() else 0.0

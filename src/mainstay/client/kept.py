"""The tokens of a session, kept fresh: one exchange at a time.

The three rules of docs/explanation/sessions.md: an answer to a refresh counts for ten seconds; what it holds is stored
before it is used; and only over the token that was shown.
"""

import random
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx2

from mainstay.client.errors import Problem, Unreachable, problem_of
from mainstay.client.steps import Flow, Pause
from mainstay.client.stores import Tokens, TokenStore
from mainstay.client.wire import Wire

GIVE_UP = 10.0  # seconds: a third of the window in which the server answers a repeated refresh alike
PAUSES = (0.25, 1.0)  # seconds between the attempts of what may be repeated
REST = 5.0  # seconds for which a server that could not exchange is not asked to, while what there is will do
LONGEST_REST = 60.0  # seconds that a server may ask for
SignedOut = Callable[[str], object] | None


class Kept:
    """What a store holds, for any number of threads or tasks."""

    def __init__(self, wire: Wire, store: TokenStore, on_signed_out: SignedOut) -> None:
        self._wire = wire
        self._on_signed_out = on_signed_out
        self._telling = threading.Lock()
        self._is_on = False
        self.store = store
        # How often this client has; others exchange too.
        self.exchanged = 0
        # How often it could not, what came of the last attempt, and until when it rests.
        self._failures = 0
        self._failure: Unreachable | Problem = Unreachable()
        self._rests_until = 0.0
        self._wished = False

    def fresh(self) -> Flow[Tokens | None]:
        """Tokens that are good for some seconds at least; None when nobody is signed in."""
        tokens = self.store.read()
        if tokens is None:
            self._tell("elsewhere")
            return None
        self._is_on = True
        if not tokens.is_due() or (not tokens.is_over() and time.monotonic() < self._rests_until):
            return tokens
        try:
            return (yield from self.renew(tokens))
        except (Unreachable, Problem):
            # Away for a moment: what we have is good for some seconds yet.
            if tokens.is_over() or self.store.read() != tokens:
                raise
            return tokens

    def keep(self, tokens: Tokens) -> Flow[None]:
        """These are the session's from now on."""
        # Else somebody who finds the old session ended would take away the new one.
        give_back = yield from self._exclusively()
        try:
            self.store.write(tokens)
        finally:
            give_back()
        self._is_on = True

    def refused(self, tokens: Tokens) -> Flow[None]:
        """A token that is fresh was: the session is over."""
        give_back = yield from self._exclusively()
        try:
            self.end("refused", tokens)
        finally:
            give_back()

    def renew(self, seen: Tokens | None) -> Flow[Tokens | None]:
        """Exchange the tokens, unless somebody has since `seen`; None when the session is over.

        Raises Unreachable and Problem. Those who wait for an attempt share its failure as well.
        """
        wait, failures = 0.005, self._failures
        while (give_back := self.store.acquire()) is None:
            yield Pause(wait * random.uniform(0.5, 1.5))  # noqa: S311  spreads those who wait
            wait = min(wait * 2, 0.1)
            now = self.store.read()
            if seen is not None and now is not None and now != seen and not now.is_due():
                return now
        try:
            if self._failures != failures or (self._wished and time.monotonic() < self._rests_until):
                raise self._again()
            try:
                return (yield from self._exchange(seen))
            except (Unreachable, Problem) as error:
                self._failed(error)
                raise
        finally:
            give_back()

    def _failed(self, error: Unreachable | Problem) -> None:
        after = seconds(error.headers.get("retry-after")) if isinstance(error, Problem) else 0.0
        self._failure, self._wished = error, after > 0
        self._failures += 1
        self._rests_until = time.monotonic() + (min(after, LONGEST_REST) or REST)

    def _again(self) -> Unreachable | Problem:
        """The last failure, for somebody else."""
        if isinstance(self._failure, Problem):
            return type(self._failure)(self._failure.status, self._failure.members, self._failure.headers)
        found = Unreachable(str(self._failure))
        found.tried = True
        return found

    def _exclusively(self) -> Flow[Callable[[], None]]:
        while (give_back := self.store.acquire()) is None:
            yield Pause(0.02)
        return give_back

    def _exchange(self, seen: Tokens | None) -> Flow[Tokens | None]:
        for pause in (*PAUSES, None):
            shown = self.store.read(fresh=True)
            if shown is None or (seen is not None and shown != seen and not shown.is_due()):
                return shown
            try:
                answer = yield from self._asked(shown)
                tokens = Tokens.answered(answer) if answer.status_code == 200 else None
            except Unreachable as error:
                if pause is None:
                    error.tried = True
                    raise
                yield spread(pause)
                continue
            stored = self.store.read(fresh=True)
            if stored is None or stored.refresh_token != shown.refresh_token:
                continue  # somebody signed in or out while we asked: theirs is what counts
            if tokens is not None:
                self.store.write(tokens)
                self.exchanged += 1
                self._rests_until = 0.0
                return tokens
            if answer.status_code == 401:
                self.end("ended", shown)
                return self.store.read()
            if answer.status_code < 500 or pause is None:
                raise problem_of(answer)
            yield spread(max(pause, min(seconds(answer.headers.get("retry-after")), REST)))
        return self.store.read()

    def _asked(self, shown: Tokens) -> Flow[httpx2.Response]:
        began = time.monotonic()
        limits = httpx2.Timeout(GIVE_UP / 2, pool=GIVE_UP)
        asked: Any = {"json": {"refresh_token": shown.refresh_token}}
        answer: httpx2.Response = yield self._wire.request("POST", "/auth/refresh", asked, timeout=limits)
        if time.monotonic() - began > GIVE_UP:
            raise Unreachable("The server took too long to exchange the tokens.")
        return answer

    def end(self, reason: str, shown: Tokens | None = None) -> None:
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


def seconds(header: str | None) -> float:
    """What Retry-After asks for; 0 for a date and for what is none."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else 0.0


def spread(pause: float) -> Pause:
    """About so long: those who failed together do not come back together."""
    return Pause(pause * random.uniform(0.75, 1.25))  # noqa: S311  guards nothing

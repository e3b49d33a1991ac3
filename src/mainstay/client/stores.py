"""Where a session's tokens are kept between requests."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Protocol

import httpx2

from mainstay.client.errors import Unreachable, told

EARLY = 30.0  # seconds before its end in which an access token is exchanged; a fifth of a short life


@dataclass(frozen=True, slots=True)
class Tokens:
    """Both tokens of a session. `expires_at` is this machine's time (seconds since 1970), whatever the server's is."""

    # Shown nowhere: what is printed or logged of these is not them.
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float
    early: float = EARLY

    @classmethod
    def answered(cls, answer: httpx2.Response) -> "Tokens":
        """Those of a sign-in or an exchange. Raises Unreachable for an answer without: a portal's in between, say."""
        match told(answer):
            case {"access_token": str(access), "refresh_token": str(refresh), "expires_in": int(life) | float(life)}:
                return cls(access, refresh, time.time() + life, min(EARLY, life / 5))
        raise Unreachable("Something else than the app answered.")

    def is_due(self) -> bool:
        """Whether it is time to exchange them. A clock that was set back makes them due as well."""
        left = self.expires_at - time.time()
        return left < self.early or left > 86_400 + EARLY

    def is_over(self) -> bool:
        return self.expires_at < time.time()

    def as_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str | None) -> "Tokens | None":
        """None for what is no such text: whoever holds it signs in again."""
        try:
            told = json.loads(text or "")
            return cls(
                str(told["access_token"]), str(told["refresh_token"]), float(told["expires_at"]), float(told["early"])
            )
        except (ValueError, KeyError, TypeError):
            return None


class TokenStore(Protocol):
    """Keeps the tokens of one session, for all threads, tasks and, where it can, processes that use it."""

    def read(self, *, fresh: bool = False) -> Tokens | None:
        """The tokens. It is asked before every request; `fresh` must see what other processes have written."""

    def write(self, tokens: Tokens | None) -> None:
        """Keep these, and durably, before it returns; None forgets them."""

    def acquire(self) -> Callable[[], None] | None:
        """The right to exchange the tokens, without waiting for it: what gives it back, or None while others have it.

        A process that dies must not keep it.
        """


class MemoryStore:
    """For one process, and gone with it."""

    def __init__(self) -> None:
        self._tokens: Tokens | None = None
        self._lock = threading.Lock()

    def read(self, *, fresh: bool = False) -> Tokens | None:
        return self._tokens

    def write(self, tokens: Tokens | None) -> None:
        self._tokens = tokens

    def acquire(self) -> Callable[[], None] | None:
        # Not the lock's owner gives it back, but whoever finishes: tasks move between threads.
        return self._lock.release if self._lock.acquire(blocking=False) else None


class KeyringStore:
    """In the operating system's keyring, or wherever these three functions put a text.

    `get` answers the text or None, `put` takes it, `forget` takes it away. They are called seldom, and from the event
    loop. For one process: two that share a keyring's entry may exchange its token at once, which the server forgives.
    """

    def __init__(self, get: Callable[[], str | None], put: Callable[[str], None], forget: Callable[[], None]) -> None:
        self._get, self._put, self._forget = get, put, forget
        self._lock = threading.Lock()
        self._known: Tokens | None = None
        self._is_known = False

    def read(self, *, fresh: bool = False) -> Tokens | None:
        if fresh or not self._is_known:
            self._known, self._is_known = Tokens.from_text(self._get()), True
        return self._known

    def write(self, tokens: Tokens | None) -> None:
        if tokens is None:
            self._forget()
        else:
            self._put(tokens.as_text())
        self._known, self._is_known = tokens, True

    def acquire(self) -> Callable[[], None] | None:
        return self._lock.release if self._lock.acquire(blocking=False) else None

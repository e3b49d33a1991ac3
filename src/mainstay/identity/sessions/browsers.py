"""Sessions of browsers: the cookie that proves one, the token that guards it, and the headers that carry both."""

import re
import secrets
from collections.abc import Iterable
from uuid import UUID

from mainstay.identity.errors import SessionEnded
from mainstay.identity.room import Room
from mainstay.identity.sessions.session import Session, Tokens
from mainstay.identity.sessions.verifying.verify_cookie import verify_cookie
from mainstay.identity.tokens.remembered import Verified
from mainstay.web.cookies import Cookie
from mainstay.web.csrf import CsrfRules, with_field

Headers = Iterable[tuple[bytes, bytes]]
NAME = "mainstay"
_SEED = re.compile(r"[A-Za-z0-9_-]{32}")


class Browsers:
    """What routes and wiring do with session cookies.

    The session's cookie is hidden from scripts and comes along when a link is followed (Lax). The CSRF token is in a
    cookie that scripts of our own pages read (Strict), and has to be sent back in a header.
    """

    def __init__(self, room: Room, rules: CsrfRules, *, secure: bool) -> None:
        self._room = room
        # The session of a cookie's value if it is remembered: no I/O, a microsecond. The request is not looked at.
        self.recall = room.remembered.recall_cookie
        self.rules = rules
        self.session_cookie = Cookie(NAME, secure=secure)
        self.csrf_cookie = Cookie(f"{NAME}-csrf", secure=secure, hidden=False, same_site="Strict")
        self.form_cookie = Cookie(f"{NAME}-form", secure=secure)
        self.device_cookie = Cookie(f"{NAME}-device", secure=secure, same_site="Strict")

    async def verify(self, headers: Headers, method: str) -> Verified | None:
        """The session of the cookie that came with this request; None where none came.

        Raises SessionEnded for a cookie that opens no session, Forbidden where another site's page may have sent it.
        """
        value = self.session_cookie.read(headers)
        if value is None:
            return None
        try:
            raw = value.encode("ascii")
        except UnicodeEncodeError:
            raise SessionEnded from None
        verified = self._room.remembered.recall_cookie(raw) or await verify_cookie(self._room, value)
        self.rules.check(headers, method, verified.csrf or b"")
        return verified

    def csrf_token(self, session_id: UUID) -> str:
        """What a page sends in `X-CSRF-Token`."""
        return self._room.csrf_tokens.of(session_id)

    def new_form(self, headers: Headers) -> tuple[str, str | None]:
        """The token of a form for somebody without a session, and the Set-Cookie header that it needs, if any."""
        seed = self._seed_of(headers)
        if seed is not None:
            return self._room.csrf_tokens.of_form(seed), None
        seed = secrets.token_urlsafe(24)
        return self._room.csrf_tokens.of_form(seed), self.form_cookie.set(seed)

    def check_form(self, headers: Headers, value: str) -> None:
        """Raises Forbidden unless a form of ours, shown to this browser, was sent with this token."""
        sent = list(headers)
        seed = self._seed_of(sent)
        # Without a seed nothing is right: what is compared with has to be something that nobody can send.
        wanted = secrets.token_bytes(32) if seed is None else self._room.csrf_tokens.of_form(seed).encode()
        self.rules.check(with_field(sent, value), "POST", wanted)

    def given(self, tokens: Tokens) -> list[str]:
        """The Set-Cookie headers of an answer that starts a session or moves it on."""
        session = tokens.session
        lasts = self._lasts(session)
        return [
            self.session_cookie.set(tokens.refresh_token, lasts),
            self.csrf_cookie.set(self.csrf_token(session.id), lasts),
        ]

    def welcomed(self, headers: Headers, tokens: Tokens) -> list[str]:
        """As `given`, after a sign-in: the browser is known from now on as one that the user has signed in on.

        That it is stays known when the session ends.
        """
        devices, shown = self._room.devices, self.device_cookie.read(headers)
        known = self.device_cookie.set(devices.give(tokens.session.user_id, shown), devices.lasts)
        return [*self.given(tokens), known]

    def cleared(self) -> list[str]:
        """The Set-Cookie headers of an answer that ends it."""
        return [self.session_cookie.clear(), self.csrf_cookie.clear()]

    def session_of(self, headers: Headers) -> str:
        """The cookie's value, for an exchange. Raises SessionEnded where none came, Forbidden for another site."""
        value = self.session_cookie.read(headers)
        shown = None if value is None else self._room.family_tokens.read("cookie", value)
        if value is None or shown is None:
            raise SessionEnded("No session cookie came with this request; sign in.")
        self.rules.check(headers, "POST", self.csrf_token(shown.session_id).encode())
        return value

    def _seed_of(self, headers: Headers) -> str | None:
        seed = self.form_cookie.read(headers)
        return seed if seed is not None and _SEED.fullmatch(seed) else None

    def _lasts(self, session: Session) -> int | None:
        if not session.remembered:
            return None
        # To the limit: how long it lives unused is known here, and a cookie that is dead here says so.
        return self._room.options.limit_days * 86_400 - int((self._room.now() - session.created_at).total_seconds())

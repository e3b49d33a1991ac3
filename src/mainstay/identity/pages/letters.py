"""Where the links in letters lead: the token leaves the address at once, and a button does what the letter says.

Mail scanners follow links before people do. So a GET spends nothing: it puts the token into a cookie of this browser,
for a quarter of an hour, and sends it on to a page whose form does the rest.
"""

import re
from collections.abc import Awaitable, Callable, Iterator

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from mainstay.identity.bodies import accounts as bodies
from mainstay.identity.identity import Identity
from mainstay.identity.pages.site import Site
from mainstay.identity.pages.visit import Visit
from mainstay.web.cookies import Cookie

PURPOSES = ("verify-email", "reset-password", "confirm-email", "magic-link")
SECONDS = 900
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}")


class Kept:
    """Something that this browser keeps for a while, hidden from scripts."""

    def __init__(self, identity: Identity, name: str, seconds: int = SECONDS) -> None:
        # Lax: the page is reached from a letter, which is another site's page.
        self._cookie = Cookie(f"mainstay-{name}", secure=identity.options.secure_cookies)
        self._seconds = seconds

    def keep(self, value: str) -> str:
        return self._cookie.set(value, self._seconds)

    def forget(self) -> str:
        return self._cookie.clear()

    def read(self, visit: Visit) -> str | None:
        value = self._cookie.read(visit.request.headers.raw)
        return value if value is not None and _TOKEN.fullmatch(value) else None


def kept(identity: Identity, purpose: str) -> Kept:
    """What a letter's link brought."""
    return Kept(identity, f"letter-{purpose}")


class Landing(Route):
    """`/auth/<purpose>?token=…`; without a token the address belongs to the JSON routes."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if b"token=" not in scope.get("query_string", b"") or scope.get("method") not in ("GET", "HEAD"):
            return Match.NONE, {}
        return super().matches(scope)


def landings(site: Site) -> Iterator[Route]:
    for purpose in PURPOSES:
        yield Landing(f"/auth/{purpose}", _landing(site, purpose), methods=["GET"], include_in_schema=False)


def _landing(site: Site, purpose: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        root = str(request.scope.get("root_path", "")).rstrip("/")
        answer = RedirectResponse(f"{root}{site.options.path}/{purpose}", 303)
        answer.headers.update({"cache-control": "no-store", "referrer-policy": "no-referrer"})
        token = request.query_params.get("token", "")
        if _TOKEN.fullmatch(token):
            answer.headers.append("set-cookie", kept(site.identity, purpose).keep(token))
        return answer

    return endpoint


def by_letter(site: Site) -> Iterator[Route]:
    """The pages behind the links, and those where a letter is asked for."""
    pages = ByLetter(site)
    yield site.route("verify-email", pages.show_verify, pages.verify)
    yield site.route("verify-email/resend", pages.show_resend, pages.resend)
    yield site.route("confirm-email", pages.show_confirm, pages.confirm)
    yield site.route("forgot-password", pages.show_forgot, pages.forgot)
    yield site.route("reset-password", pages.show_reset, pages.reset)
    yield site.route("check-mail", pages.show_sent)


class ByLetter:
    """Handlers. Whoever asks for a letter is told the same, whether or not there is an account."""

    def __init__(self, site: Site) -> None:
        self._site, self._accounts = site, site.identity.accounts
        self._address_of = site.identity.address_of
        self._tokens = {purpose: kept(site.identity, purpose) for purpose in PURPOSES}

    async def show_verify(self, visit: Visit) -> Response:
        return self._show(visit, "verify_email", "verify-email")

    async def verify(self, visit: Visit) -> Response:
        await self._accounts.verify_email(self._spend(visit, "verify-email"))
        return visit.go(visit.to("sign-in", done="verified"))

    async def show_confirm(self, visit: Visit) -> Response:
        return self._show(visit, "confirm_email", "confirm-email")

    async def confirm(self, visit: Visit) -> Response:
        await self._accounts.confirm_email(self._spend(visit, "confirm-email"))
        return visit.go(visit.to("" if visit.session else "sign-in", done="email"))

    async def show_reset(self, visit: Visit) -> Response:
        return self._show(visit, "reset_password", "reset-password")

    async def reset(self, visit: Visit) -> Response:
        purpose = "reset-password"
        body = visit.form.read(bodies.NewPasswordByToken, "password", token=self._tokens[purpose].read(visit) or "-")
        address = self._address_of(visit.request.scope)
        # A password that is refused spends no token: the cookie stays for the next one.
        await self._accounts.reset_password(body.token, body.password, address)
        visit.cookies += [self._tokens[purpose].forget(), *self._site.identity.browsers.cleared()]
        return visit.go(visit.to("sign-in", done="password_reset"))

    async def show_resend(self, visit: Visit) -> Response:
        return self._site.show(visit, "ask_for_letter", page="verify-email/resend", words="resend")

    async def resend(self, visit: Visit) -> Response:
        body = visit.form.read(bodies.ByAddress, "email")
        await self._accounts.send_verification(body.email, self._address_of(visit.request.scope))
        return visit.go(visit.to("check-mail"))

    async def show_forgot(self, visit: Visit) -> Response:
        return self._site.show(visit, "ask_for_letter", page="forgot-password", words="forgot")

    async def forgot(self, visit: Visit) -> Response:
        body = visit.form.read(bodies.ByAddress, "email")
        await self._accounts.ask_for_reset(body.email, self._address_of(visit.request.scope))
        return visit.go(visit.to("check-mail"))

    async def show_sent(self, visit: Visit) -> Response:
        return self._site.show(visit, "check_mail")

    def _show(self, visit: Visit, template: str, purpose: str) -> Response:
        return self._site.show(visit, template, ready=self._tokens[purpose].read(visit) is not None)

    def _spend(self, visit: Visit, purpose: str) -> str:
        visit.cookies.append(self._tokens[purpose].forget())
        return visit.form.read(bodies.ByToken, token=self._tokens[purpose].read(visit) or "-").token

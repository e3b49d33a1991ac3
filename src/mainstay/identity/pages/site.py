"""Pages as endpoints: who may see them, what their forms have to prove, and what becomes of a refusal."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mainstay.base.context import Caller, acting, unattended
from mainstay.base.errors import Forbidden, Rejected, SignInRequired
from mainstay.base.ports import Identify
from mainstay.identity.dependencies import in_own_session, in_session, signed_in
from mainstay.identity.identity import Identity
from mainstay.identity.pages.form import DRAINED, read_form, read_upload
from mainstay.identity.pages.options import PageOptions
from mainstay.identity.pages.refusal import Refusal
from mainstay.identity.pages.visit import Visit
from mainstay.web.csrf import FIELD, with_field
from mainstay.web.pages import ThemedPages

Who = Literal["anybody", "user", "owner"]
Show = Callable[[Visit], Awaitable[Response]]
# A page is for cookies: a token in a header is not looked at, and what a script sends is for the JSON routes.
_LEFT_OUT = (b"authorization", b"x-csrf-token", b"x-tenant-id")
# Where somebody may go whose role needs a second factor, before they have one.
UNRESTRICTED = frozenset({"factors", "factors/app/confirm", "step-up", "sessions", "sign-in", ""})
SECOND_FACTOR = "second_factor_required"
# A proof of lately is asked for, and the visitor comes back.
STEP_UP = frozenset({"insufficient_user_authentication", "fresh_sign_in_required"})


class Site:
    """Makes endpoints of handlers. `who` a page is for: anybody; a user; an owner, who is nobody acting as them.

    `show` answers GET. `deed` answers POST, once its form is proved to be one of ours: what it refuses is shown in
    the page again.
    """

    def __init__(
        self, identity: Identity, identify: Callable[[], Identify], options: PageOptions, pages: ThemedPages
    ) -> None:
        self.identity, self.options, self._identify, self._pages = identity, options, identify, pages

    def route(
        self,
        page: str,
        show: Show | None,
        deed: Show | None = None,
        *,
        who: Who = "anybody",
        back: str = "",
        again: Show | None = None,
        largest: int | None = None,
    ) -> Route:
        """The route of `<path>/<page>`. Without `show` it takes the form of the page `back` alone, which `again` shows
        where the form is refused. `largest` is of the file that comes with the form, in bytes.
        """
        path = f"{self.options.path}/{page}" if page else self.options.path
        methods = [*(["GET"] if show else []), *(["POST"] if deed else [])]

        async def endpoint(request: Request) -> Response:
            visit = Visit(request, self.options, self._pages.wording(None, request.headers.get("accept-language", "")))
            visit.page = page if show else back
            try:
                if request.method == "POST":
                    visit.form = await (read_form(request) if largest is None else read_upload(request, largest))
            except Rejected as error:
                return self._refuse(visit, error)
            return await self._answer(visit, show or again, deed, who)

        # What is larger is refused by the app, and not in a page's words.
        most = None if largest is None else DRAINED
        return Route(path, endpoint, methods=methods, include_in_schema=False, max_body_size=most)

    def languages(self) -> dict[str, str]:
        """The languages of the pages, with what each calls itself."""
        return self._pages.languages()

    def show(self, visit: Visit, name: str, **values: Any) -> Response:
        """The page of this template."""
        status = 200 if visit.refusal is None else visit.refusal.status
        given = {**visit.values(), "options": self.options, "who": visit.session, **values}
        answer = self._pages.render(f"{name}.html", given, visit.say, status, visit.cookies)
        if visit.refusal is not None and visit.refusal.retry_after:
            answer.headers["retry-after"] = visit.refusal.retry_after
        return answer

    async def _answer(self, visit: Visit, show: Show | None, deed: Show | None, who: Who) -> Response:
        request = visit.request
        try:
            caller = await self._enter(visit, who)
        except SignInRequired:
            return self._turn_away(visit)
        except Rejected as error:
            return self._refuse(visit, error)
        if caller is not None:
            request.scope["mainstay.caller"] = caller  # for the log: without its token nobody knew who sent this form
        with acting(caller) if caller is not None else unattended():
            try:
                await self._know(visit, caller, who)
                if visit.session is not None and visit.session.restricted and visit.page not in UNRESTRICTED:
                    return visit.go(visit.to("factors"))
                if request.method != "POST" or deed is None:
                    assert show is not None  # noqa: S101  narrows: the route takes no GET otherwise
                    return await show(visit)
                return await self._do(visit, show, deed, who)
            except SignInRequired as error:
                if error.problem_code in STEP_UP:
                    return visit.go(visit.to("step-up", return_to=visit.here))
                return self._turn_away(visit)
            except Rejected as error:
                return self._refuse(visit, error)

    async def _enter(self, visit: Visit, who: Who) -> Caller | None:
        """Who came. Raises Forbidden for a form that no page of ours sent, SignInRequired where a session is needed."""
        browsers, request = self.identity.browsers, visit.request
        headers = [each for each in request.headers.raw if each[0] not in _LEFT_OUT]
        request_id, posted = request.scope.get("mainstay.request_id", ""), request.method == "POST"
        if who == "anybody":
            if posted:
                browsers.check_form(headers, visit.form[FIELD])
            visit.token, made = browsers.new_form(headers)
            visit.cookies += [made] if made else []
            try:
                caller = await self._identify().identify(headers, request_id, "GET")
            except Rejected:
                return None
            return caller if caller.actor.signed_in else None
        if posted:
            headers = with_field(headers, visit.form[FIELD])
        caller = await self._identify().identify(headers, request_id, "POST" if posted else "GET")
        if not caller.actor.signed_in:
            raise SignInRequired
        return caller

    async def _know(self, visit: Visit, caller: Caller | None, who: Who) -> None:
        if caller is None:
            return
        session = await in_session(await signed_in(visit.request, None))
        if who == "owner":
            session = await in_own_session(session)
        visit.session, visit.user = session, await self.identity.get_user(session.id)
        if who != "anybody":
            if visit.user is None:
                raise SignInRequired
            visit.token = self.identity.browsers.csrf_token(session.session_id)
        if visit.user is not None and visit.user.language:
            visit.say = self._pages.wording(visit.user.language, visit.request.headers.get("accept-language", ""))

    async def _do(self, visit: Visit, show: Show | None, deed: Show, who: Who) -> Response:
        try:
            return await deed(visit)
        except Rejected as error:
            if error.problem_code == SECOND_FACTOR:
                # The ticket of the second step is in a cookie that the refusal brings.
                return visit.go(visit.to("second-factor", **visit.carrying), cookies=getattr(error, "cookies", ()))
            if show is None or (isinstance(error, SignInRequired) and who != "anybody"):
                raise
            visit.refusal = self._told(visit, error)
            return await show(visit)

    def _turn_away(self, visit: Visit) -> Response:
        """To the sign-in page, and back here afterwards."""
        visit.cookies += self._stale(visit)
        return visit.go(visit.to("sign-in", return_to=visit.here))

    def _stale(self, visit: Visit) -> list[str]:
        browsers = self.identity.browsers
        return browsers.cleared() if browsers.session_cookie.read(visit.request.headers.raw) is not None else []

    def _refuse(self, visit: Visit, error: Rejected) -> Response:
        visit.refusal = self._told(visit, error)
        return self.show(visit, "refused")

    def _told(self, visit: Visit, error: Rejected) -> Refusal:
        return Refusal(error, visit.say, self.identity.profiles.all)


def require_scope(visit: Visit, scope: str) -> None:
    """Raises Forbidden for a session that was given fewer scopes than the deed needs."""
    if scope not in visit.me.scopes:
        raise Forbidden.missing_scopes(scope)

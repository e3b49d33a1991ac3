"""One visit to a page: who came, with which form, and how they are answered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mainstay.identity.accounts.user import User
from mainstay.identity.dependencies import SessionUser
from mainstay.identity.federation.errors import ReturnRefused
from mainstay.identity.federation.return_to import require_return
from mainstay.identity.pages.form import EMPTY, Form
from mainstay.identity.pages.options import PageOptions
from mainstay.identity.pages.refusal import Refusal, told
from mainstay.web.pages import Wording

RETURN = "return_to"


@dataclass(slots=True)
class Visit:
    """What handlers and templates know of a request. `session` and `user` are None for a stranger.

    `token` goes into every form. `cookies` are the Set-Cookie headers of the answer.
    """

    request: Request
    options: PageOptions
    say: Wording
    token: str = ""
    session: SessionUser | None = None
    user: User | None = None
    form: Form = EMPTY
    refusal: Refusal | None = None
    cookies: list[str] = field(default_factory=list)
    page: str = ""

    @property
    def me(self) -> SessionUser:
        """The visitor's session, on a page that strangers do not see."""
        assert self.session is not None  # noqa: S101  narrows: such pages are not shown without
        return self.session

    @property
    def known(self) -> User:
        """The visitor's account, likewise."""
        assert self.user is not None  # noqa: S101  narrows, as above
        return self.user

    def to(self, page: str = "", **query: str) -> str:
        """The address of a page of ours."""
        asked = "?" + urlencode(query) if query else ""
        return f"{self._root}{self.options.path}{'/' + page if page else ''}{asked}"

    def own(self, path: str) -> str:
        """The address of another path of this app."""
        return self._root + path

    def go(self, url: str, *, cookies: Iterable[str] = ()) -> Response:
        """Send the browser on with GET (RFC 9110 §15.4.4): going back or reloading sends nothing twice."""
        answer = RedirectResponse(url, 303, headers={"cache-control": "no-store"})
        for cookie in (*self.cookies, *cookies):
            answer.headers.append("set-cookie", cookie)
        return answer

    @property
    def here(self) -> str:
        """The address of this page, or of the one that the form stood in."""
        if self.request.method == "POST":
            return self.to(self.page)
        url = self.request.url
        return f"{url.path}?{url.query}" if url.query else url.path

    @property
    def return_to(self) -> str:
        """Where the visitor wanted to go: a path of this app, or "" """
        asked = self.form[RETURN] if RETURN in self.form else self.request.query_params.get(RETURN, "")
        try:
            return require_return(asked, frozenset()) if asked else ""
        except ReturnRefused:
            return ""

    @property
    def carrying(self) -> dict[str, str]:
        """The query that takes `return_to` along."""
        return {RETURN: self.return_to} if self.return_to else {}

    def home(self) -> str:
        """Where somebody goes who has signed in."""
        return self.return_to or self.own(self.options.after or self.options.path)

    @property
    def done(self) -> str:
        """What was done a moment ago, in words; or "" """
        return "" if self.failed else self.said(f"done.{self.request.query_params.get('done', '')}", "")

    @property
    def failed(self) -> str:
        """What came of going to a provider, where that was nothing; or "" """
        error = self.request.query_params.get("error", "")
        return told(error, self.say) if error else ""

    def said(self, key: str, otherwise: str) -> str:
        """The text of this key where there is one: for what an app may have words for."""
        return self.say(key) if key in self.say else otherwise

    def error(self, name: str) -> str:
        """What is wrong with a field, or "" """
        return "" if self.refusal is None else self.refusal.fields.get(name, "")

    def values(self) -> Mapping[str, Any]:
        """What every template gets."""
        return {"visit": self, "form": self.form, "to": self.to, "user": self.user, "refusal": self.refusal}

    @property
    def _root(self) -> str:
        return str(self.request.scope.get("root_path", "")).rstrip("/")

"""A browser that signs in elsewhere: it keeps cookies for both sides, and goes only where a test lets it."""

from http.cookies import SimpleCookie
from types import TracebackType
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2

from mainstay.testing import Backend

OURS = "https://shop.example"


class Browser:
    """`cookies` are those for our app, by name; nothing is followed by itself."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.cookies: dict[str, str] = {}
        self.elsewhere = httpx2.Client(follow_redirects=False)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.elsewhere.close()

    def send(self, method: str, path: str, **options: object) -> httpx2.Response:
        """To our app, with its cookies and what goes with them."""
        headers = {"Origin": OURS} if method != "GET" else {}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if token := self.cookies.get("__Host-mainstay-csrf"):
            headers["X-CSRF-Token"] = token
        client = self.backend.client
        found = client.request(method, path, headers=headers, follow_redirects=False, **options)  # type: ignore[arg-type]  # as they are
        client.cookies.clear()
        for header in found.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(header).items():
                if morsel.value and morsel["max-age"] != "0":
                    self.cookies[name] = morsel.value
                else:
                    self.cookies.pop(name, None)
        return found

    def get(self, path: str) -> httpx2.Response:
        return self.send("GET", path)

    def begin(self, name: str, return_to: str = "/", **more: str) -> str:
        """The address at the provider."""
        begun = self.get(f"/auth/federation/{name}/start?" + urlencode({"return_to": return_to, **more}))
        assert begun.status_code == 303, begun.text
        return begun.headers["location"]

    def visit(self, url: str, sub: str) -> str:
        """What the issuer sends the browser back to, as this account."""
        self.elsewhere.cookies.clear()  # nobody is signed in there
        url += "&" + urlencode({"login_hint": sub})
        for _ in range(10):
            found = self.elsewhere.get(url)
            assert found.status_code in (302, 303), found.text
            url = str(httpx2.URL(url).join(found.headers["location"]))
            if url.startswith(OURS):
                return url.removeprefix(OURS)
        raise AssertionError("the issuer sends the browser round in circles")

    def sign_in(self, name: str, sub: str, return_to: str = "/", **more: str) -> httpx2.Response:
        """All the way: the answer of the callback."""
        return self.get(self.visit(self.begin(name, return_to, **more), sub))

    def me(self) -> httpx2.Response:
        return self.get("/auth/me")


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}

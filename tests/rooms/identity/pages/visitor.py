"""Somebody who fills in our forms with a program that keeps cookies and runs no scripts."""

import re
from html import unescape
from itertools import count
from typing import Any

import httpx2
from starlette.testclient import TestClient

from mainstay.testing import Backend

PASSWORD = "a long and quiet night"
OTHER = "a short and noisy day"
ADA = "ada@example.com"
# Attempts are counted by address: each visitor has one of their own.
_addresses = count(1)


class Visitor:
    """One browser: `visit` a page, `send` the form that is in it. `email` is who they are."""

    def __init__(self, backend: Backend, email: str = ADA, **headers: str) -> None:
        self.backend, self.email = backend, email
        number = next(_addresses)
        self.client = TestClient(
            backend.app,
            base_url="http://127.0.0.1:8000",
            follow_redirects=False,
            client=(f"198.51.{number // 250 % 250}.{number % 250}", 50_000),
        )
        # On the loop that the app was opened on.
        self.client.portal = backend.portal
        self.headers = headers

    def visit(self, path: str, **more: Any) -> httpx2.Response:
        return self.client.get(path, headers=self.headers, **more)

    def token(self, path: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.visit(path).text)
        assert found is not None, f"there is no form at {path}"
        return found[1]

    def send(self, path: str, *, page: str | None = None, **fields: str) -> httpx2.Response:
        """Fill the form of this page (or of `page`, where its form leads elsewhere), and send it."""
        data = {"csrf_token": self.token(page or path), **{name.replace("__", "."): v for name, v in fields.items()}}
        return self.client.post(path, data=data, headers=self.headers)

    def upload(self, path: str, file: bytes) -> httpx2.Response:
        """The same, with a file chosen. Its name and type are those of an attacker."""
        files = {"picture": ("../../me.png", file, "text/html")}
        data = {"csrf_token": self.token(path)}
        return self.client.post(path, data=data, files=files, headers=self.headers)

    def follow_letter(self, address: str) -> httpx2.Response:
        """Open the link of the last letter to this address."""
        link = self.backend.mailbox.last(address).link
        assert link is not None
        return self.visit(re.sub(r"^https?://[^/]+", "", link))

    def sign_up(self, email: str | None = None, password: str = PASSWORD) -> None:
        email = email or self.email
        assert self.send("/account/sign-up", email=email, password=password).status_code == 303
        assert self.follow_letter(email).status_code == 303
        assert self.send("/account/verify-email").status_code == 303

    def sign_in(self, email: str | None = None, password: str = PASSWORD, **more: str) -> httpx2.Response:
        return self.send("/account/sign-in", email=email or self.email, password=password, **more)

    def enter(self) -> None:
        """Sign up, and in."""
        self.sign_up()
        assert self.sign_in().headers["location"] == "/account"


def errors(page: httpx2.Response) -> dict[str, str]:
    """What a page says is wrong with its fields, by the field's id."""
    found = re.findall(r'<p class="error" id="field-([\w-]+)-error">([^<]*)</p>', page.text)
    return {name: unescape(said) for name, said in found}


def alert(page: httpx2.Response) -> str:
    """What a page says is wrong, or "" """
    found = re.search(r'<div class="notice bad" role="alert">([^<]*)</div>', page.text)
    return unescape(found[1]) if found else ""

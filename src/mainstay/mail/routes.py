"""The page on which a reader leaves a mailing list, and the one click that mail programs make for them (RFC 8058)."""

import secrets

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from mainstay.mail.mail import Mail
from mainstay.mail.unsubscribe import PATH


def mail_routes(mail: Mail) -> APIRouter:
    """Nobody need be signed in: the link is the proof. To look at it changes nothing, for programs look at links."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH + "/{token}")
    async def ask(token: str) -> HTMLResponse:
        found = mail.unsubscribing.read(token)
        return _page(mail, "ask" if found else "unknown", found)

    @router.post(PATH + "/{token}")
    async def leave(token: str) -> HTMLResponse:
        found = mail.unsubscribing.read(token)
        if found is not None:
            await mail.unsubscribing.unsubscribe(*found)
        # RFC 8058 §3.1: no redirect, and nothing that depends on who is signed in.
        return _page(mail, "left" if found else "unknown", found)

    return router


def _page(mail: Mail, state: str, found: tuple[str, str] | None) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    name, reader = found or ("", "")
    page = mail.templates.page("unsubscribe.html", {"state": state, "list": name, "email": reader, "nonce": nonce})
    headers = {
        "content-security-policy": f"default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex",
        "x-content-type-options": "nosniff",
    }
    return HTMLResponse(page, 404 if state == "unknown" else 200, headers)

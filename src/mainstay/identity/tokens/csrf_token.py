"""CSRF tokens: one for each session, made from its id, so that there is nothing to store."""

import base64
import hashlib
import hmac
from uuid import UUID

from mainstay.base.secret import MasterKey


class CsrfTokens:
    """Makes them. What is made for one session is of no use to another."""

    def __init__(self, master: MasterKey) -> None:
        self._key = master.derive("identity/csrf")

    def of(self, session_id: UUID) -> str:
        return self._made(session_id.bytes)

    def of_form(self, seed: str) -> str:
        """For forms that are shown where there is no session: bound to what the browser holds in a cookie."""
        # Longer than a session's id, so that no seed can be chosen whose token is that of a session.
        return self._made(b"form of a page\0" + seed.encode())

    def _made(self, of: bytes) -> str:
        made = hmac.digest(self._key, of, hashlib.sha256)
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()

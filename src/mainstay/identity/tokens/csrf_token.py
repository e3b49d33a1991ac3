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
        made = hmac.digest(self._key, session_id.bytes, hashlib.sha256)
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()

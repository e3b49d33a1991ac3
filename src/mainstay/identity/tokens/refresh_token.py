"""Refresh tokens: 256 bits each, and each determines its only successor.

The successor is derived from the token under a key of ours, so that every worker that is shown the same token
gives the same answer, and nothing that would open an account is stored.
"""

import base64
import hashlib
import hmac
import os

from mainstay.base.secret import MasterKey

PREFIX = "mrt_"  # lets secret scanners recognise one that leaked


class RefreshTokens:
    """Makes refresh tokens."""

    def __init__(self, master: MasterKey) -> None:
        self._key = master.derive("identity/refresh-successor")

    def first(self) -> str:
        """The first token of a session."""
        return _spell(os.urandom(32))

    def successor(self, token: str) -> str:
        """The one token that may follow this one."""
        return _spell(hmac.digest(self._key, token.encode(), hashlib.sha256))


def digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _spell(secret: bytes) -> str:
    return PREFIX + base64.urlsafe_b64encode(secret).rstrip(b"=").decode()

"""A sign-in that is under way: kept by the browser it was begun in, sealed, and good once."""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from mainstay.identity.federation.errors import PendingRefused
from mainstay.storage.sealing import Seal
from mainstay.web.cookies import Cookie, Headers

NAME = "mainstay-federation"
LABEL, _BOUND = "identity/federation/pending", b"mainstay/federation/pending"
_STATE = 43


@dataclass(frozen=True, slots=True)
class Pending:
    """What has to be the same when the browser comes back. `user_id` and `session_id`: a link, and for whom.

    `challenge` is the front end's own (RFC 7636 S256): without one the session comes in cookies.
    """

    provider: str
    state: str
    nonce: str
    verifier: str
    return_to: str
    redirect_uri: str
    expires: float
    challenge: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    tenant: str | None = None
    remember: bool = False

    @property
    def linking(self) -> UUID | None:
        return None if self.user_id is None else UUID(self.user_id)


def fresh() -> str:
    """256 bits, as 43 characters."""
    return secrets.token_urlsafe(32)


def challenge_of(verifier: str) -> str:
    """S256 (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("utf-8", "replace")).digest()).rstrip(b"=").decode()


def digest(secret: str) -> str:
    """What is stored of a state or a code."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def cookie_of(state: str, secure: bool) -> Cookie:
    """One for each sign-in under way, so that two tabs don't take each other's."""
    return Cookie(f"{NAME}-{state[:12]}", secure=secure)


def keep(pending: Pending, seal: Seal) -> str:
    """The cookie's value."""
    return seal.close(json.dumps(asdict(pending), separators=(",", ":")).encode(), _BOUND)


def take(headers: Headers, state: str, provider: str, now: datetime, seal: Seal, *, secure: bool) -> Pending:
    """What the browser kept. Raises PendingRefused for anything that was not begun here, there and lately."""
    if len(state) != _STATE or not state.isascii() or not state.replace("-", "").replace("_", "").isalnum():
        raise PendingRefused
    value = cookie_of(state, secure).read(headers)
    opened = None if value is None else seal.open(value, _BOUND)
    if opened is None:
        raise PendingRefused
    kept: Any = json.loads(opened)
    pending = Pending(**kept)
    same = hmac.compare_digest(pending.state, state) and pending.provider == provider
    if not same or now.timestamp() >= pending.expires:
        raise PendingRefused
    return pending

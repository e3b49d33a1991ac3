"""Tokens already verified, known again by their digest: what makes authentication cost a microsecond."""

from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from mainstay.base.actor import Actor
from mainstay.base.clock import Clock
from mainstay.base.tenant import TenantScope


class Verified:
    """A token that held, and the session or API key behind it: one of the two ids is None, or both where another
    issuer made it. `roles` are those of a guest, whom no tenant knows; None for a user, whose tenant says.

    `callers` is a memo for whoever turns it into an actor in a tenant, `lanes` one of what was read with it: both die
    with this object, and the object is dropped as soon as the session, the user, the roles or the tenant change.
    """

    __slots__ = (
        "api_key_id",
        "authenticated_at",
        "callers",
        "csrf",
        "deadline",
        "impersonator_id",
        "issuer",
        "lanes",
        "methods",
        "roles",
        "scopes",
        "session_id",
        "tenant_id",
        "user_id",
    )

    def __init__(
        self,
        user_id: UUID,
        session_id: UUID | None,
        tenant_id: UUID,
        scopes: frozenset[str] | None,
        deadline: float,
        *,
        methods: frozenset[str] = frozenset(),
        authenticated_at: datetime | None = None,
        impersonator_id: UUID | None = None,
        api_key_id: UUID | None = None,
        csrf: bytes | None = None,
        issuer: str | None = None,
        roles: frozenset[str] | None = None,
    ) -> None:
        self.user_id = user_id
        self.session_id = session_id
        self.tenant_id = tenant_id
        self.scopes = scopes
        self.deadline = deadline
        self.methods = methods
        self.authenticated_at = authenticated_at
        self.impersonator_id = impersonator_id
        self.api_key_id = api_key_id
        self.issuer = issuer
        self.roles = roles
        # Of a session cookie: what a request that changes something has to bring beside it.
        self.csrf = csrf
        self.callers: dict[bytes | None, tuple[Actor, TenantScope]] = {}
        self.lanes: dict[Any, Any] = {}


# What is remembered of a cookie has a longer key than anything that an Authorization header can come to.
_COOKIE = b"cookie"


class RememberedTokens:
    """A bounded memory of verified tokens, believed only while revocations are being heard."""

    def __init__(self, clock: Clock, limit: int) -> None:
        self._monotonic = clock.monotonic
        self._limit = limit
        self._by_digest: dict[bytes, Verified] = {}
        self._by_user: dict[UUID, set[bytes]] = {}
        self._by_member: dict[tuple[str, str], frozenset[str]] = {}
        self._heard_until = 0.0
        # Grows with every revocation: a verification that was under way meanwhile is not remembered.
        self.epoch = 0

    def recall(self, token: bytes) -> Verified | None:
        """The verified token if it is remembered, unexpired, and revocations were heard lately. No I/O."""
        now = self._monotonic()
        if now >= self._heard_until:
            return None
        verified = self._by_digest.get(sha256(token).digest())
        return verified if verified is not None and verified.deadline > now else None

    def recall_cookie(self, value: bytes) -> Verified | None:
        """The same for the value of a session cookie, which is no bearer token and is never found as one."""
        now = self._monotonic()
        if now >= self._heard_until:
            return None
        verified = self._by_digest.get(sha256(value).digest() + _COOKIE)
        return verified if verified is not None and verified.deadline > now else None

    def remember(self, token: bytes, verified: Verified, epoch: int, *, cookie: bool = False) -> None:
        """Keep it, unless something was revoked since `epoch` was read (before the database was asked)."""
        if epoch != self.epoch:
            return
        if len(self._by_digest) >= self._limit:
            self._make_room()
        digest = sha256(token).digest() + (_COOKIE if cookie else b"")
        self._by_digest[digest] = verified
        self._by_user.setdefault(verified.user_id, set()).add(digest)

    def recall_roles(self, user: UUID | str, tenant: UUID | str) -> frozenset[str] | None:
        """The roles that this member was found to hold, if no change of anything has been heard since."""
        return self._by_member.get((str(user), str(tenant))) if self._monotonic() < self._heard_until else None

    def remember_roles(self, user: UUID | str, tenant: UUID | str, roles: frozenset[str], epoch: int) -> None:
        """Keep them until the next revocation of any kind, unless there was one since `epoch` was read."""
        if epoch == self.epoch and len(self._by_member) < self._limit:
            self._by_member[str(user), str(tenant)] = roles

    def believe_until(self, moment: float) -> None:
        """Revocations are known up to now: remembered tokens may be believed until this monotonic moment."""
        self._heard_until = moment

    def forget(self, user: UUID | None = None, session: UUID | None = None) -> None:
        """Drop this user's tokens, or those of one session; without a user, everything."""
        self.epoch += 1
        self._by_member.clear()
        digests = self._by_digest.keys() if user is None else self._by_user.get(user, ())
        for digest in list(digests):
            verified = self._by_digest[digest]
            if session is None or session == verified.session_id:
                self._drop(digest, verified)

    def _make_room(self) -> None:
        # The oldest eighth: no bookkeeping on a hit, and what is in use is verified again at once.
        for digest in list(self._by_digest)[: max(1, self._limit // 8)]:
            self._drop(digest, self._by_digest[digest])

    def _drop(self, digest: bytes, verified: Verified) -> None:
        del self._by_digest[digest]
        digests = self._by_user[verified.user_id]
        digests.discard(digest)
        if not digests:
            del self._by_user[verified.user_id]

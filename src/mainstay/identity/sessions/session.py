"""Sessions and the tokens handed out for them, as data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from mainstay.identity.tokens.refresh_token import Kind


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in on one device, from then until it ends.

    `methods` say how it was proved (RFC 8176: pwd, otp, hwk, mfa, mail…), `authenticated_at` when a proof was last
    given. `remembered` outlives the browser. `kind` is how its proof travels: `bearer` or `cookie`.
    """

    id: UUID
    user_id: UUID
    tenant_id: UUID
    scopes: frozenset[str] | None
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    methods: frozenset[str]
    authenticated_at: datetime
    impersonator_id: UUID | None
    remembered: bool
    address: str | None
    kind: Kind


class Tokens:
    """What a client holds (RFC 6749 §5.1). `scope` names what was granted, blank-separated.

    Of a cookie session `access_token` is empty and `refresh_token` is the value of the session cookie.
    """

    __slots__ = ("_session", "access_token", "expires_in", "kind", "refresh_token", "scope")
    token_type = "Bearer"  # noqa: S105  the name of a scheme

    def __init__(
        self,
        access_token: str,
        refresh_token: str,
        expires_in: int,
        scope: str,
        session: Session | Callable[[], Session],
        kind: Kind = "bearer",
    ) -> None:
        self.access_token = access_token
        self.refresh_token = refresh_token
        self.expires_in = expires_in
        self.scope = scope
        self.kind: Kind = kind
        self._session = session

    @property
    def session(self) -> Session:
        """The session. After a refresh it is made when it is first asked for: mostly nobody does."""
        if not isinstance(self._session, Session):
            self._session = self._session()
        return self._session

    def __repr__(self) -> str:
        return f"Tokens(expires_in={self.expires_in}, scope={self.scope!r})"


def session_of(row: Sequence[Any]) -> Session:
    """The session in a row of `tables.SESSION_COLUMNS`."""
    identifier, user, tenant, scopes, agent, created, used, expires, *facts = row
    methods, proved, by, remembered, address, kind = facts
    return Session(
        identifier,
        user,
        tenant,
        None if scopes is None else frozenset(scopes),
        agent,
        created,
        used,
        expires,
        frozenset(methods),
        proved or created,
        by,
        remembered,
        address,
        kind,
    )

"""Act as somebody else: a short session of theirs, marked as the administrator's, that cannot be prolonged."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import bindparam, select

from mainstay.base.actor import ADMIN
from mainstay.base.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from mainstay.identity.administration.guards import roles_here
from mainstay.identity.administration.standing import Administrator, require_may_touch
from mainstay.identity.events import Fact
from mainstay.identity.room import Room
from mainstay.identity.sessions.start_session import start_session
from mainstay.identity.tables import users as u

SCOPE = "admin:impersonate"
# What stays in people's own hands, and what would let an administrator act as an administrator once more.
WITHHELD = frozenset({"api_keys:write", SCOPE})
SHORTEST_REASON, LONGEST_REASON = 5, 500

_active = select(u.c.active).where(u.c.id == bindparam("user"))


@dataclass(frozen=True, slots=True)
class Acting:
    """What an administrator holds who acts as somebody: an access token, and no refresh token."""

    access_token: str
    expires_in: int
    scope: str
    user_id: UUID

    def __repr__(self) -> str:
        return f"Acting(as {self.user_id}, expires_in={self.expires_in})"


async def impersonate(room: Room, by: Administrator, user: UUID, reason: str, user_agent: str | None = None) -> Acting:
    """A session of that member, in the administrator's tenant alone. The reason goes to the journal.

    Raises Forbidden for administrators, operators and whoever holds more than the one who asks; NotFound for somebody
    who is no member or is shut; Conflict for oneself; Invalid for a reason that says nothing.
    """
    why = _require_reason(reason)
    if by.user_id is None:
        raise Forbidden("Somebody has to answer for it: sign in.", code="session_required")
    if user == by.user_id:
        raise Conflict("That is you already.", code="own_account")
    roles = await roles_here(room, user, by.tenant_id)
    rows = await room.control.fetch(_active, user=user)
    if roles is None or not rows or not rows[0][0]:
        raise NotFound("There is no such user.")
    try:
        _require_below(room, by, roles)
    except Forbidden:
        await room.journal.tell(Fact("impersonation.refused", user, by.tenant_id, details={"reason": why}))
        raise
    scopes = room.catalogue.scopes_of(roles) - WITHHELD
    fact = Fact(
        "impersonation.started", user, by.tenant_id, details={"reason": why, "impersonator_id": str(by.user_id)}
    )
    tokens = await start_session(
        room,
        user,
        methods=(),
        tenant=str(by.tenant_id),
        scopes=scopes,
        user_agent=user_agent,
        remember=False,
        impersonator_id=by.user_id,
        lasts=timedelta(seconds=room.options.access_seconds),
        extra_steps=tuple(room.journal.steps(fact)),
    )
    return Acting(tokens.access_token, tokens.expires_in, tokens.scope, user)


def _require_below(room: Room, by: Administrator, roles: frozenset[str]) -> None:
    held: frozenset[str] = room.catalogue.scopes_of(roles)
    above = ADMIN in roles or not held.isdisjoint({"admin:write", SCOPE, "system:read", "system:write"})
    if above:
        raise Forbidden("Nobody acts as an administrator or an operator.", code="above_you")
    require_may_touch(room, by, roles)


def _require_reason(reason: str) -> str:
    kept = " ".join(reason.split())
    if not SHORTEST_REASON <= len(kept) <= LONGEST_REASON or not kept.isprintable():
        message = f"Say why, in {SHORTEST_REASON} to {LONGEST_REASON} characters."
        raise Invalid(message, errors=[FieldError(("body", "reason"), "reason", message)])
    return kept

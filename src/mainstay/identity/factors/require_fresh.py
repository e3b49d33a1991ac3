"""Whether who is signed in has proved it lately, before something that a stolen session must not do."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import bindparam, select

from mainstay.base.errors import Forbidden, SignInRequired
from mainstay.identity.authenticators.errors import StepUpRequired
from mainstay.identity.authenticators.held import Held, held_by
from mainstay.identity.factors.desk import Desk
from mainstay.identity.sessions.second_step import STRONG
from mainstay.identity.tables import sessions

SESSION = select(sessions.c.methods, sessions.c.authenticated_at, sessions.c.created_at, sessions.c.scopes).where(
    sessions.c.id == bindparam("session"), sessions.c.user_id == bindparam("user"), sessions.c.ended_at.is_(None)
)


async def require_fresh(
    desk: Desk, user_id: UUID, session_id: UUID | None, *, always: bool = False, scope: str | None = None
) -> Held:
    """The account's factors. Where it has one, the session must have shown one lately; with `always`, an account
    without must have shown its password lately. `scope` is refused to a session that asked for less.

    Raises StepUpRequired, SignInRequired for a session that has ended, Forbidden.
    """
    held = await held_by(desk.room, user_id)
    if not (held.any or always):
        return held
    # Not the memory of the token: what is asked for here is rare, and worth looking.
    rows = await desk.room.control.fetch(SESSION, session=session_id, user=user_id) if session_id else []
    if not rows:
        if session_id is None:
            raise StepUpRequired(desk.options.fresh_seconds, second_factor=held.any)
        raise SignInRequired("This session has ended; sign in again.", error="invalid_token")
    methods, proved, created, scopes = rows[0]
    if scope is not None and scopes is not None and scope not in scopes:
        raise Forbidden.missing_scopes(scope)
    late = (proved or created) < desk.room.now() - timedelta(seconds=desk.options.fresh_seconds)
    if late or (held.any and STRONG not in methods):
        raise StepUpRequired(desk.options.fresh_seconds, second_factor=held.any)
    return held

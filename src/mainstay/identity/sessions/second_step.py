"""Where a sign-in stops, because the account has a second factor: no session yet, and a ticket for the next step."""

from collections.abc import Generator, Iterable
from typing import Any

from sqlalchemy import bindparam, update

from mainstay.base.proof import STRONG as STRONG
from mainstay.identity.authenticators.errors import SecondFactorRequired
from mainstay.identity.authenticators.held import Held, held_steps
from mainstay.identity.authenticators.ticket import Purpose, add_ticket, new_secret, ticket_cookie
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.sessions.session import Session
from mainstay.identity.tables import users
from mainstay.identity.tokens.remembered import Verified
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows

KEEP_DELETION = update(users).where(users.c.id == bindparam("user")).values(deletion_at=bindparam("at"))


def asks_for_more(room: Room, session: Session) -> Generator[Step, Rows, Held | None]:
    """The account's factors, where one of them has to be shown before there is this session."""
    # Who acts as somebody else has shown their own.
    if STRONG in session.methods or session.impersonator_id is not None:
        return None
    held = yield from held_steps(room, session.user_id)
    return held if held.any else None


def lacks_second_factor(verified: Verified) -> bool:
    """Whether a session has not shown one. An API key was made by one that had, and who acts as somebody else has shown
    their own."""
    return STRONG not in verified.methods and verified.api_key_id is None and verified.impersonator_id is None


def wait_for_more(
    room: Room, session: Session, held: Held, scopes: Iterable[str] | None
) -> Generator[Step, Rows, SecondFactorRequired]:
    """Make the ticket, in the transaction that would have started the session; the refusal that carries it."""
    secret, seconds = new_secret(), room.options.factors.ticket_seconds
    wishes: dict[str, Any] = {
        "tenant": str(session.tenant_id),
        "scopes": None if scopes is None else sorted(scopes),
        "user_agent": session.user_agent,
        "address": session.address,
        "remember": session.remembered,
        "methods": sorted(session.methods),
    }
    yield from in_turn(
        add_ticket(room, Purpose.sign_in, secret, user_id=session.user_id, kind=session.kind, wishes=wishes)
    )
    if held.deletion_at is not None:
        # The first step called the deletion off. Half a proof does not.
        yield room.control.step(KEEP_DELETION, user=session.user_id, at=held.deletion_at)
    fact = Fact("session.second_step", session.user_id, session.tenant_id, details={"methods": sorted(session.methods)})
    yield from in_turn(room.journal.steps(fact))
    cookie = ticket_cookie(room).set(secret, seconds)
    return SecondFactorRequired(secret, session.kind, held.methods, seconds, cookie)

"""Whom an identity belongs to: linked by its owner, listed, let go; never the last way in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, select, update

from mainstay.base.errors import NotFound, SignInRequired
from mainstay.base.ids import uuid7
from mainstay.identity.authenticators.tables import passkeys
from mainstay.identity.events import Fact
from mainstay.identity.federation.desk import Desk
from mainstay.identity.federation.errors import FreshSignInRequired, LastWayIn, LinkedElsewhere, PendingRefused
from mainstay.identity.federation.kept_tokens import sealed_tokens
from mainstay.identity.federation.options import Provider
from mainstay.identity.federation.pending import Pending
from mainstay.identity.federation.tables import identities as t
from mainstay.identity.federation.upstream.person import Person
from mainstay.identity.tables import credentials, sessions, users
from mainstay.storage import errors
from mainstay.storage.control import in_turn

ADD = insert(t).values({c.name: bindparam(c.name) for c in t.c})
OF_PERSON = select(t.c.id, t.c.user_id).where(t.c.issuer == bindparam("issuer"), t.c.subject == bindparam("subject"))
OF_USER = (
    select(t.c.id, t.c.provider, t.c.email, t.c.linked_at, t.c.last_used_at)
    .where(t.c.user_id == bindparam("user"))
    .order_by(t.c.linked_at, t.c.id)
)
# By whichever name of the issuer it came last: that one's client can refresh its tokens.
TOUCH = (
    update(t)
    .where(t.c.id == bindparam("identity"))
    .values(last_used_at=bindparam("now"), email=bindparam("email"), provider=bindparam("name"))
)
TOUCH_AND_KEEP = TOUCH.values(tokens=bindparam("sealed"))
REMOVE = delete(t).where(t.c.id == bindparam("identity"), t.c.user_id == bindparam("user")).returning(t.c.provider)
SESSION = select(sessions.c.authenticated_at, sessions.c.created_at).where(
    sessions.c.id == bindparam("session"), sessions.c.user_id == bindparam("user"), sessions.c.ended_at.is_(None)
)
# Two that let go at once of the last two ways in would each see the other.
HOLD = update(users).where(users.c.id == bindparam("user")).values(updated_at=users.c.updated_at).returning(users.c.id)
OTHERS = select(func.count()).select_from(t).where(t.c.user_id == bindparam("user"), t.c.id != bindparam("identity"))
PROOFS = (
    select(func.count())
    .select_from(credentials)
    .where(
        credentials.c.user_id == bindparam("user"),
        credentials.c.kind == "password",
    )
)
PASSKEYS = select(func.count()).select_from(passkeys).where(passkeys.c.user_id == bindparam("user"))


@dataclass(frozen=True, slots=True)
class Linked:
    """An identity of a user, as they see it."""

    id: UUID
    provider: str
    email: str | None
    linked_at: datetime
    last_used_at: datetime


async def require_fresh(desk: Desk, user_id: UUID, session_id: UUID) -> None:
    """Raises SignInRequired for a session that has ended, FreshSignInRequired for one that was proved long ago."""
    rows = await desk.room.control.fetch(SESSION, session=session_id, user=user_id)
    if not rows:
        raise SignInRequired
    proved, created = rows[0]
    if (proved or created) < desk.room.now() - timedelta(seconds=desk.options.fresh_seconds):
        raise FreshSignInRequired(desk.options.fresh_seconds)


async def link_identity(
    desk: Desk, provider: Provider, pending: Pending, person: Person, tokens: dict[str, Any]
) -> None:
    """To the account that asked for it, if its session is still open. Raises LinkedElsewhere, PendingRefused."""
    user_id, session_id = UUID(pending.user_id), UUID(pending.session_id)
    if not await desk.room.control.fetch(SESSION, session=session_id, user=user_id):
        raise PendingRefused
    known = await desk.room.control.fetch(OF_PERSON, issuer=person.issuer, subject=person.subject)
    if not known:
        try:
            await desk.room.control.write(add_identity(desk, provider, user_id, person, tokens, "federation.linked"))
        except errors.UniqueClash:
            known = await desk.room.control.fetch(OF_PERSON, issuer=person.issuer, subject=person.subject)
    if known and known[0][1] != user_id:
        raise LinkedElsewhere
    if known:
        await touch(desk, provider, person, tokens)


def add_identity(
    desk: Desk, provider: Provider, user_id: UUID, person: Person, tokens: dict[str, Any], told: str
) -> Any:
    """The part of a script that gives a user this identity."""
    identity, now = uuid7(), desk.room.now()
    yield desk.room.control.step(
        ADD,
        id=identity,
        user_id=user_id,
        provider=provider.name,
        issuer=person.issuer,
        subject=person.subject,
        email=person.email,
        linked_at=now,
        last_used_at=now,
        tokens=sealed_tokens(desk, identity, tokens) if provider.keep_tokens else None,
    )
    yield from in_turn(desk.room.journal.steps(Fact(told, user_id, details={"provider": provider.name})))


async def touch(desk: Desk, provider: Provider, person: Person, tokens: dict[str, Any]) -> None:
    """It was used just now; its tokens are the newest."""

    def script() -> Any:
        step = desk.room.control.step(OF_PERSON, issuer=person.issuer, subject=person.subject)
        for identity, _ in desk.room.control.read(OF_PERSON, (yield step)):
            used = {"identity": identity, "now": desk.room.now(), "email": person.email, "name": provider.name}
            if provider.keep_tokens:
                yield desk.room.control.step(TOUCH_AND_KEEP, **used, sealed=sealed_tokens(desk, identity, tokens))
            else:
                yield desk.room.control.step(TOUCH, **used)

    await desk.room.control.write(script())


async def list_identities(desk: Desk, user_id: UUID) -> list[Linked]:
    return [Linked(*row) for row in await desk.room.control.fetch(OF_USER, user=user_id)]


async def unlink_identity(desk: Desk, user_id: UUID, session_id: UUID, identity_id: UUID) -> None:
    """Raises FreshSignInRequired, NotFound, LastWayIn."""
    await require_fresh(desk, user_id, session_id)
    await desk.room.control.write(_unlink(desk, user_id, identity_id))


def _unlink(desk: Desk, user_id: UUID, identity_id: UUID) -> Any:
    control = desk.room.control
    yield control.step(HOLD, user=user_id)
    removed = control.read(REMOVE, (yield control.step(REMOVE, identity=identity_id, user=user_id)))
    if not removed:
        raise NotFound("No such identity is linked to your account.")
    others = control.read(OTHERS, (yield control.step(OTHERS, user=user_id, identity=identity_id)))
    proofs = control.read(PROOFS, (yield control.step(PROOFS, user=user_id)))
    keys = control.read(PASSKEYS, (yield control.step(PASSKEYS, user=user_id)))
    if not others[0][0] and not proofs[0][0] and not keys[0][0]:
        raise LastWayIn
    fact = Fact("federation.unlinked", user_id, details={"provider": removed[0][0]})
    yield from in_turn(desk.room.journal.steps(fact))

"""The trusted issuers of one app: their tokens, and which of their subjects are which of our users."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from mainstay.base.errors import ConfigurationError, Conflict, NotFound, SignInRequired
from mainstay.identity.events import Fact
from mainstay.identity.foreign.foreign_keys import ForeignKeys
from mainstay.identity.foreign.foreign_token import LONGEST_SUBJECT, admits, read
from mainstay.identity.foreign.tables import subjects as t
from mainstay.identity.foreign.verify_foreign import verify_foreign
from mainstay.identity.jose.foreign_issuer import ForeignIssuer
from mainstay.identity.room import Room
from mainstay.identity.tokens.access_token import refused
from mainstay.identity.tokens.remembered import Verified
from mainstay.storage import errors
from mainstay.storage.control import in_turn

ADD = insert(t).values({name: bindparam(name) for name in ("issuer", "subject", "user_id", "created_at")})
_one = (t.c.issuer == bindparam("at"), t.c.subject == bindparam("who"))
REMOVE = delete(t).where(*_one).returning(t.c.user_id)
CUT = update(t).where(*_one).values(believed_from=bindparam("now")).returning(t.c.user_id)
LIST = select(t.c.issuer, t.c.subject, t.c.user_id, t.c.created_at).where(t.c.user_id == bindparam("user"))


@dataclass(frozen=True, slots=True)
class LinkedSubject:
    """Somebody of another issuer, who is one of our users."""

    issuer: str
    subject: str
    user_id: UUID
    created_at: datetime


class Foreign:
    """Accepts tokens of the issuers that were declared."""

    def __init__(self, room: Room, issuers: Sequence[ForeignIssuer]) -> None:
        self._room = room
        self._issuers: dict[str, tuple[ForeignIssuer, ForeignKeys]] = {}
        for each in issuers:
            if each.issuer == room.options.issuer or each.issuer in self._issuers:
                raise ConfigurationError(
                    f"The issuer {each.issuer} is declared twice, or is this app itself.",
                    fix="Each issuer of tokens has a name of its own.",
                )
            keys = ForeignKeys(each, room.fetch, room.clock, lambda: room.revocations.applied(None))
            self._issuers[each.issuer] = each, keys

    def names_issuer(self, token: bytes) -> bool:
        """Whether a token says that it is of a declared issuer. No I/O, and no proof of anything."""
        if not self._issuers:
            return False
        try:
            return read(token).issuer in self._issuers
        except SignInRequired:
            return False

    async def close(self) -> None:
        for _, keys in self._issuers.values():
            await keys.close()

    async def verify(self, token: bytes) -> Verified:
        """Whom a token of a declared issuer speaks for.

        Raises SignInRequired for one that does not hold, Unavailable while its issuer's keys cannot be had.
        """
        said = read(token)
        issuer, keys = self._issuers.get(said.issuer, (None, None))
        if issuer is None or keys is None or not admits(issuer, said):
            raise refused()
        key = await keys.find(said.kid, said.algorithm)
        if key is None:
            raise refused()
        return await verify_foreign(self._room, token, said, issuer, key)

    async def link(self, issuer: str, subject: str, user_id: UUID) -> None:
        """Tokens of this subject speak for that user from now on.

        Raises Conflict where the subject is linked already, NotFound for no such user. Only an operator's own code
        calls this: whoever may link a subject to a user may become that user.
        """
        if not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
            raise Conflict("A subject has 1 to 255 printable characters.", code="subject_malformed")
        try:
            await self._room.control.write(self._link(issuer, subject, user_id))
        except errors.UniqueClash:
            raise Conflict("This subject is linked to a user already.", code="subject_linked") from None
        except errors.ReferenceMissing:
            raise NotFound("There is no such user.") from None
        # A guest until now: forgotten here at once, and elsewhere within a second.
        self._room.revocations.applied(None)

    async def unlink(self, issuer: str, subject: str) -> None:
        """Believe no token of this subject any more. Raises NotFound for one that is not linked."""
        await self._change("identity.unlinked", REMOVE, issuer, subject)

    async def end(self, issuer: str, subject: str) -> None:
        """Believe no token that was issued to this subject before now: sign them out. Raises NotFound."""
        await self._change("identity.ended", CUT, issuer, subject, now=self._room.now())

    async def list(self, user_id: UUID) -> list[LinkedSubject]:
        """The subjects that are this user."""
        return [LinkedSubject(*row) for row in await self._room.control.fetch(LIST, user=user_id)]

    async def _change(self, name: str, statement: Any, issuer: str, subject: str, **values: Any) -> None:
        user = await self._room.control.write(self._changed(name, statement, issuer, subject, values))
        self._room.revocations.applied(user)

    def _link(self, issuer: str, subject: str, user_id: UUID) -> Any:
        yield self._room.control.step(ADD, issuer=issuer, subject=subject, user_id=user_id, created_at=self._room.now())
        details = {"issuer": issuer, "subject": subject}
        yield from in_turn(self._room.journal.steps(Fact("identity.linked", user_id=user_id, details=details)))
        yield from in_turn(self._room.revocations.steps(None))

    def _changed(self, name: str, statement: Any, issuer: str, subject: str, values: dict[str, Any]) -> Any:
        control = self._room.control
        rows = control.read(statement, (yield control.step(statement, at=issuer, who=subject, **values)))
        if not rows:
            raise NotFound("This subject is linked to nobody here.")
        details = {"issuer": issuer, "subject": subject}
        yield from in_turn(self._room.journal.steps(Fact(name, user_id=rows[0][0], details=details)))
        yield from in_turn(self._room.revocations.steps(rows[0][0]))
        return rows[0][0]

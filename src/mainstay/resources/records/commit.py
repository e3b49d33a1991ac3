"""Changes carried out: prepared outside, written in one transaction, told to hooks after it."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

import orjson
from sqlalchemy.orm import Session

from mainstay.base.context import Caller, acting, current_caller
from mainstay.base.errors import Conflict, FieldError, Invalid, Rejected
from mainstay.model.spec import run_hooks
from mainstay.resources.answers import Written
from mainstay.resources.changes import Once
from mainstay.resources.plan.row import KEY
from mainstay.resources.records.create import CreateRow, create_together, together
from mainstay.resources.records.delete import DeleteRow
from mainstay.resources.records.put import PutRow
from mainstay.resources.records.refusals import refusal_of
from mainstay.resources.records.update import Moved, UpdateRow
from mainstay.storage import Database
from mainstay.storage.errors import StorageError
from mainstay.storage.idempotency import Claim, StoredAnswer, remember, replay_or_claim
from mainstay.storage.statement import Rows, Script

log = logging.getLogger("mainstay.resources")
Change = CreateRow | UpdateRow | DeleteRow | PutRow
Places = Literal["none", "rows", "operations"]
_ATTEMPTS = 5


async def commit(
    database: Database, caller: Caller, changes: Sequence[Change], once: Once | None = None, *, places: Places = "none"
) -> list[Written]:
    """Carry the changes out, all or none, and give what was written, in order.

    `places` says how a refusal tells which change it is about: "rows" put its index in front of every refused
    value's place, and name those of all rows at once; "operations" put it into `extra["operation"]`. With `once`,
    a request that came before is answered as it was then.
    """
    claim = None if once is None else _claim(caller, once)
    # With a server between, each statement is a way there and back: look, and write if the row is still the same.
    # Where it is not, the next attempt locks it.
    ahead = database.name == "postgresql" and claim is None and len(changes) == 1
    for tried in range(_ATTEMPTS):
        attempt = _Attempt(database, caller, changes, claim, places, ahead=ahead and not tried)
        try:
            if current_caller() is caller:
                return await attempt.run()
            with acting(caller):
                return await attempt.run()
        except Moved:
            continue
    raise Conflict("Others are changing this row at the same time; try again.", code="busy_row")


class _Attempt:
    """One go at a list of changes."""

    def __init__(
        self,
        database: Database,
        caller: Caller,
        changes: Sequence[Change],
        claim: Claim | None,
        places: Places,
        *,
        ahead: bool,
    ) -> None:
        self.database, self.caller, self.changes, self.claim, self.places = database, caller, changes, claim, places
        self.ahead = ahead
        self.at = 0

    async def run(self) -> list[Written]:
        try:
            if self.claim is not None and any(_asks_first(change) for change in self.changes):
                # Hooks and checks must not run again for what was done already.
                earlier = await self._earlier(self.claim)
                if earlier is not None:
                    return earlier
            await self._prepare()
            written = await self._write()
        except StorageError as error:
            raise self._placed(await refusal_of(self.database, self.changes[self.at], error)) from error
        except Invalid as refused:
            # Those of rows are in place already.
            raise (
                refused if self.places == "rows" and refused.errors else self._placed(refused)
            ) from refused.__cause__
        except Rejected as refused:
            raise self._placed(refused) from refused.__cause__
        if not any(each.replayed for each in written):
            await self._tell()
        return written

    async def _prepare(self) -> None:
        errors: list[FieldError] = []
        for index, change in enumerate(self.changes):
            self.at = index
            try:
                looks = _waits(change) or (self.ahead and isinstance(change, UpdateRow | DeleteRow) and change.ahead)
                await change.prepare(*([await self._current(change)] if looks else []))
            except Invalid as refused:
                if self.places != "rows":
                    raise
                errors += [FieldError((self.at, *e.loc), e.code, e.message) for e in refused.errors]
        if errors:
            raise Invalid(errors=errors)

    async def _write(self) -> list[Written]:
        scope, within = self.caller.require_scope(), self._within()
        if len(self.changes) > 1:
            lists = list(together(self.changes))
            if len(lists) < len(self.changes):
                try:
                    # On SQLite single statements are written on the loop, which rows by the dozen would hold up.
                    single = len(lists) == 1 and self.claim is None and self.database.name == "postgresql"
                    return await self.database.write(scope, self._script(lists), single=single, within=within)
                except StorageError:
                    # Which row was refused shows when they are written one by one.
                    self.at = 0
        single = len(self.changes) == 1 and self.claim is None and self.changes[0].single
        one_by_one = [[change] for change in self.changes]
        return await self.database.write(scope, self._script(one_by_one), single=single, within=within)

    def _script(self, lists: Sequence[Sequence[Change]]) -> Script[list[Written]]:
        dialect = self.database.dialect
        if self.claim is not None:
            stored = yield from replay_or_claim(dialect, self.claim)
            if stored is not None:
                return _replayed(stored)
        written: list[Written] = []
        for changes in lists:
            self.at = len(written)
            if len(changes) == 1:
                written.append((yield from changes[0].script()))
            else:
                written += yield from create_together(cast("Sequence[CreateRow]", changes))
        if self.claim is not None:
            yield from remember(dialect, self.claim, _stored(written))
        return written

    async def _current(self, change: Any) -> Rows:
        plan = change.writing.planner.current(change.writing)
        values = {**change.writing.rule_values(), KEY: change.key}
        return await self.database.fetch(self.caller.require_scope(), plan.peek, values)

    async def _earlier(self, claim: Claim) -> list[Written] | None:
        script = replay_or_claim(self.database.dialect, claim)
        stored = await self.database.write(self.caller.require_scope(), script)
        return None if stored is None else _replayed(stored)

    def _within(self) -> Callable[[Session], None] | None:
        hooked = [c for c in self.changes if c.writing.spec.hooks_for("within", c.action)]
        if not hooked:
            return None

        def within(session: Session) -> None:
            for change in hooked:
                if change.row is not None:
                    change.writing.spec.run_within(change.action, session, change.row)

        return within

    async def _tell(self) -> None:
        for change in self.changes:
            spec = change.writing.spec
            if not spec.hooks or change.row is None:
                continue
            try:
                await run_hooks(spec, "after", change.action, change.row)
            except Exception:
                # The change is committed: a hook cannot undo it, and the caller must not be told it failed.
                log.exception("An after-%s hook of %s failed.", change.action, spec.name)

    def _placed(self, refused: Rejected) -> Rejected:
        if self.places == "rows":
            refused.errors = tuple(FieldError((self.at, *e.loc), e.code, e.message) for e in refused.errors)
        elif self.places == "operations":
            refused.extra.setdefault("operation", self.at)
        return refused


def _waits(change: Change) -> bool:
    return not isinstance(change, CreateRow) and change.outside


def _asks_first(change: Change) -> bool:
    """Whether the user's own code runs before the transaction."""
    spec = change.writing.spec
    return _waits(change) or bool(spec.hooks_for("before", "create")) or any(check.database for check in spec.checks)


def _claim(caller: Caller, once: Once) -> Claim:
    return Claim(caller.actor.key, once.route, once.key, once.digest.hex())


def _stored(written: list[Written]) -> StoredAnswer:
    rows = [[w.key, None if w.body is None else w.body.decode(), w.etag, w.version, w.created] for w in written]
    return StoredAnswer(200, {}, orjson.dumps(rows).decode())


def _replayed(stored: StoredAnswer) -> list[Written]:
    return [
        Written(key, None if body is None else body.encode(), etag, version, created, True)
        for key, body, etag, version, created in orjson.loads(stored.body)
    ]

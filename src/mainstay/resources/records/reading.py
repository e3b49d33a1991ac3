"""Reads of one resource: pages and single rows, as bytes."""

import re
from collections.abc import Callable, Generator
from typing import Any, Literal, TypeVar

from mainstay.access.policy import PreparedRule
from mainstay.base.context import Caller
from mainstay.base.errors import NotFound
from mainstay.resources.answers import Answer
from mainstay.resources.plan.planner import Planner
from mainstay.resources.plan.row import KEY, RowPlan, read_row
from mainstay.resources.plan.rows import read_rows
from mainstay.resources.plan.select.serialise import body_tag, dumps
from mainstay.resources.plan.stored import canonical, plan_stored
from mainstay.resources.query import ListQuery
from mainstay.resources.query.reader import Kind
from mainstay.resources.records.repeated import Repeat, Repeated
from mainstay.resources.registry import Registered
from mainstay.storage import Database, Statement
from mainstay.storage.statement import Rows
from mainstay.storage.types import UuidText

T = TypeVar("T")
_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Reading:
    """The read half of a resource's records."""

    def __init__(self, planner: Planner, database: Database, entry: Registered) -> None:
        self.entry = entry
        self.spec = entry.spec
        self._planner = planner
        self.database = database
        self.reader = planner.reader(entry.name)
        # Only SQLite answers without leaving the loop.
        self._embedded = database.name == "sqlite"
        # Read on every request for one row without parameters.
        self._plain = self.reader.read(b"", kind="one")
        self._repeated = Repeated(database, planner.lenses, planner.registry.options.query.names.after)
        self._kept = planner.lenses.kept
        # A key in the spelling in which SQLite stores it is neither parsed nor converted.
        self._plain_key = _CANONICAL_UUID.fullmatch if type(self.spec.key.column.type) is UuidText else _never

    def read_query(self, raw: bytes, *, kind: Kind = "list") -> ListQuery:
        """What a query string asks of this resource. Raises BadRequest naming every mistake."""
        return self.reader.read(raw, kind=kind)

    def parse_key(self, text: str) -> Any:
        """The key that stands in a URL. Raises NotFound for what cannot be one."""
        try:
            return self.spec.key.parse(text)
        except ValueError:
            raise NotFound() from None

    def _stored_key(self, plan: RowPlan) -> Callable[[str], Any]:
        plain, parse, convert = self._plain_key, self.parse_key, plan.key

        def stored(text: str) -> Any:
            if plain(text):
                return text
            return parse(text) if convert is None else convert(parse(text))

        return stored

    def page_now(self, caller: Caller, query: ListQuery, raw: bytes | None = None) -> Answer | None:
        """The page without leaving the event loop, or None where `page` must be awaited.

        `raw` is the query string, where the query is nothing but what it says; then the read is remembered for
        `page_again`. Raises SignInRequired or Forbidden where the caller may read nothing here, CursorRefused for a bad
        cursor.
        """
        if not self._embedded:
            return None
        found = self._planner.rows_now(self.entry, caller, query)
        if found is None or found[0].statement.slow:
            return None
        plan, run, cursor, binding = found
        envelope = self._now(caller, read_rows(plan, run, query, cursor, binding))
        if not envelope:
            return None
        if raw is not None and self._lasts(query):
            lens = self._planner.lens(self.entry, caller.actor)
            self._repeated.keep_page(lens, caller, raw, plan, run, query, binding, cursor)
        return _listed(envelope)

    def page_again(self, caller: Caller, raw: bytes) -> tuple[Repeat, str] | None:
        """How to read the page of a query string that this caller has sent before, and its cursor; None if unknown."""
        lens = self._kept(self.entry.name, caller.actor)
        return None if lens is None else self._repeated.page(lens, caller, raw)

    def one_again(self, caller: Caller, raw: bytes) -> Repeat | None:
        """How to read a row, for a query string that this caller has sent before; None if it is not known."""
        lens = self._kept(self.entry.name, caller.actor)
        return None if lens is None else self._repeated.row(lens, caller, raw)

    async def page(self, caller: Caller, query: ListQuery) -> Answer:
        """The page."""
        plan, run, cursor, binding = await self._planner.rows(self.entry, caller, query)
        return _listed(await self._later(caller, read_rows(plan, run, query, cursor, binding)))

    def one_now(
        self, caller: Caller, key: str, query: ListQuery | None = None, raw: bytes | None = None
    ) -> Answer | None:
        """The row without leaving the event loop, or None where `one` must be awaited. Raises as `one` does.

        `raw` as in `page_now`.
        """
        if not self._embedded:
            return None
        canonical = self.parse_key(key)
        planned = self._planner.row_now(self.entry, caller, query or self._plain)
        if planned is None:
            return None
        plan, run = planned
        found = self._now(caller, read_row(plan, run, canonical))
        if found is False:
            return None
        if raw is not None and self._lasts(query or self._plain):
            lens = self._planner.lens(self.entry, caller.actor)
            self._repeated.keep_row(lens, caller, raw, plan, run, canonical, self._stored_key(plan))
        return _found(found)

    async def one(self, caller: Caller, key: str, query: ListQuery | None = None) -> Answer:
        """The row with this key, as it stands in a URL. Raises NotFound also for one that the caller may not see."""
        canonical = self.parse_key(key)
        plan, run = await self._planner.row(self.entry, caller, query or self._plain)
        return _found(await self._later(caller, read_row(plan, run, canonical)))

    async def stored(
        self, caller: Caller, key: str, rule: PreparedRule
    ) -> tuple[dict[str, Any], dict[tuple[str, ...], Any]]:
        """The row as it is stored, read rule and masks aside, and what `rule` looks at in related rows.

        For operators who ask why a rule admits somebody or not; never for answers. Raises NotFound.
        """
        paths = tuple(sorted(rule.paths))
        statement, fields = plan_stored(self.spec, paths, self.database.dialect)
        rows = await self.database.fetch(caller.require_scope(), statement, {KEY: self.parse_key(key)})
        if not rows:
            raise NotFound()
        name = self.database.name
        values = [canonical(field, raw, name) for field, raw in zip(fields, rows[0], strict=True)]
        row = dict(zip(self.spec.fields, values, strict=False))
        return row, dict(zip(paths, values[len(row) :], strict=True))

    def _lasts(self, query: ListQuery) -> bool:
        """Whether who may read this once may do so until something changes: a proof of lately grows old by itself."""
        return not self._planner.step_up.asks_to_read(self.entry, query.touches)

    def _now(self, caller: Caller, steps: Generator[tuple[Statement, Any], Rows, T]) -> T | Literal[False]:
        """What the steps give; False where one of them cannot be done on the loop."""
        fetch, scope = self.database.fetch_now, caller.require_scope()
        try:
            statement, values = next(steps)
            while True:
                rows = fetch(scope, statement, values)
                if rows is None:
                    steps.close()
                    return False
                statement, values = steps.send(rows)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # what the generator returns

    async def _later(self, caller: Caller, steps: Generator[tuple[Statement, Any], Rows, T]) -> T:
        fetch, scope = self.database.fetch, caller.require_scope()
        try:
            statement, values = next(steps)
            while True:
                rows = await fetch(scope, statement, values)
                statement, values = steps.send(rows)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # what the generator returns


def _never(key: str) -> None:
    return None


def _listed(envelope: dict[str, Any]) -> Answer:
    body = dumps(envelope)
    return Answer(body, f'"{body_tag(body)}"')


def _found(answer: Answer | None) -> Answer:
    if answer is None:
        raise NotFound()
    return answer

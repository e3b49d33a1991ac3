"""One resource's rows: reading and writing together."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

from mainstay.base.clock import Clock
from mainstay.base.context import Caller
from mainstay.base.errors import Forbidden, NotFound, Rejected, SignInRequired
from mainstay.base.page import Page
from mainstay.base.proof import Proof
from mainstay.model.spec import RowView
from mainstay.resources.answers import Written
from mainstay.resources.changes import Once, Operation
from mainstay.resources.options import QueryOptions
from mainstay.resources.plan.change.write_planner import WritePlanner
from mainstay.resources.plan.row import KEY
from mainstay.resources.plan.rows import read_rows
from mainstay.resources.query import ListQuery
from mainstay.resources.records.commit import Change, commit
from mainstay.resources.records.context import Writing, writing
from mainstay.resources.records.create import CreateRow
from mainstay.resources.records.delete import DeleteRow
from mainstay.resources.records.links import LinkChange, key_field
from mainstay.resources.records.put import PutRow
from mainstay.resources.records.reading import Reading
from mainstay.resources.records.update import UpdateRow
from mainstay.resources.registry import Registered
from mainstay.resources.step_up import proof_for
from mainstay.storage import Database


class ResourceRecords(Reading):
    """Everything that may be done with the rows of one resource, on behalf of a caller given first.

    Keys are texts as they stand in URLs. Every change raises SignInRequired or Forbidden where the rules say no,
    NotFound for rows the caller may not see, Invalid for values, Conflict for clashes, PreconditionFailed for
    `if_match` (the versions that are fine). `shape` says which fields and relations the answer shows.
    """

    def __init__(self, planner: WritePlanner, database: Database, entry: Registered, clock: Clock, lookup: Any) -> None:
        super().__init__(planner, database, entry)
        self._plans = planner
        self._clock = clock
        self._lookup = lookup
        self._shape = self.read_query(b"", kind="write")

    @property
    def options(self) -> QueryOptions:
        """The bounds and names of queries."""
        return self._plans.registry.options.query

    async def create(
        self, caller: Caller, data: Mapping[str, Any], *, shape: ListQuery | None = None, once: Once | None = None
    ) -> Written:
        """Create one row."""
        change = self._create(caller, data, shape)
        return (await commit(self.database, caller, [change], once))[0]

    async def create_many(
        self,
        caller: Caller,
        rows: Sequence[Mapping[str, Any]],
        *,
        shape: ListQuery | None = None,
        once: Once | None = None,
        keep_keys: bool = False,
    ) -> list[Written]:
        """Create rows, all or none. Refused values of every row are named at once, under the row's place.

        With `keep_keys` a row may carry its key, whatever the resource's options say.
        """
        at = self._writing(caller, shape, "create")
        changes = [CreateRow(at, data, keep_key=keep_keys, records=self._lookup) for data in rows]
        return await commit(self.database, caller, changes, once, places="rows")

    async def update(
        self,
        caller: Caller,
        key: str,
        patch: Mapping[str, Any],
        *,
        shape: ListQuery | None = None,
        if_match: frozenset[str] | None = None,
        once: Once | None = None,
    ) -> Written:
        """Change the fields that the merge patch names (RFC 7396)."""
        change = self._update(caller, key, patch, shape, if_match, "update")
        return (await commit(self.database, caller, [change], once))[0]

    async def replace(
        self,
        caller: Caller,
        key: str,
        data: Mapping[str, Any],
        *,
        shape: ListQuery | None = None,
        if_match: frozenset[str] | None = None,
        once: Once | None = None,
        create: bool | None = None,
    ) -> Written:
        """Set every writable field. Creates the row where there is none and `create` (else the resource) says so."""
        change = self._put(caller, key, data, shape, if_match, create)
        return (await commit(self.database, caller, [change], once))[0]

    async def upsert(self, caller: Caller, key: str, data: Mapping[str, Any]) -> Written:
        """Create the row with this key, or replace it."""
        return await self.replace(caller, key, data, create=True)

    async def delete(
        self, caller: Caller, key: str, *, if_match: frozenset[str] | None = None, once: Once | None = None
    ) -> Written:
        """Delete the row. Raises Conflict where rows of another resource still refer to it."""
        return (await commit(self.database, caller, [self._delete(caller, key, if_match)], once))[0]

    async def link(self, caller: Caller, key: str, relation: str, other: str, *, once: Once | None = None) -> Written:
        """Link the row to another one by a many-to-many relation. Linking twice changes nothing."""
        return await self._linked(caller, key, relation, other, "add", once)

    async def unlink(self, caller: Caller, key: str, relation: str, other: str, *, once: Once | None = None) -> Written:
        """Take one link away."""
        return await self._linked(caller, key, relation, other, "remove", once)

    async def may(self, caller: Caller, key: str, operation: Literal["update", "delete"]) -> bool:
        """Whether the rules let the caller change or delete this row, as it is now. False for one they may not see.

        What they may have to prove first is another question: `lacking`.
        """
        try:
            at = writing(self._plans, self.entry, caller, self._shape, self._clock, operation, proving=False)
        except (SignInRequired, Forbidden):
            return False
        values = {**at.rule_values(), KEY: self.parse_key(key)}
        return bool(await self.database.fetch(caller.require_scope(), at.planner.check(at), values))

    def proof(self, operation: str) -> Proof | None:
        """What read, create, update or delete asks to have been proved lately."""
        return proof_for(self._plans.registry, self.entry, operation)

    def lacking(self, caller: Caller, operation: Literal["update", "delete"]) -> Rejected | None:
        """What the caller would be told for want of a proof of lately; None where they have given it."""
        return self._plans.step_up.lacking(self.entry, operation, caller.actor)

    async def views(self, caller: Caller, query: ListQuery) -> Page[RowView]:
        """A page as RowViews of canonical values."""
        plan, run, cursor, binding = await self._plans.rows(self.entry, caller, query, views=True)
        found = await self._later(caller, read_rows(plan, run, query, cursor, binding))
        names = run.envelope
        return Page(found[names.items], found[names.next], found[names.prev], found.get(names.count))

    def creation(self, caller: Caller, data: Mapping[str, Any]) -> CreateRow:
        """A row to be created, not yet committed."""
        return self._create(caller, data, None)

    def alteration(
        self, caller: Caller, key: str, patch: Mapping[str, Any], *, if_match: frozenset[str] | None = None
    ) -> UpdateRow:
        """A row to be changed, not yet committed."""
        return self._update(caller, key, patch, None, if_match, "update")

    def change(self, caller: Caller, operation: Operation) -> Change:
        """One operation of a batch, ready to be committed with others."""
        key, data = operation.key or "", operation.data or {}
        match operation.action:
            case "create":
                return self._create(caller, data, None)
            case "update":
                return self._update(caller, key, data, None, operation.if_match, "update")
            case "replace":
                return self._put(caller, key, data, None, operation.if_match, None)
            case "delete":
                return self._delete(caller, key, operation.if_match)
        raise NotFound()

    async def _linked(self, caller: Caller, key: str, name: str, other: str, mode: Any, once: Once | None) -> Written:
        relation = self.spec.relations.get(name)
        if relation is None or relation.kind != "link":
            raise NotFound()
        try:
            other_key = key_field(relation).parse(other)
        except ValueError:
            raise NotFound() from None
        change = UpdateRow(
            self._writing(caller, None, "update"),
            self.parse_key(key),
            {},
            links={name: LinkChange(relation, [other_key], mode)},
            records=self._lookup,
        )
        return (await commit(self.database, caller, [change], once))[0]

    def _create(
        self,
        caller: Caller,
        data: Mapping[str, Any],
        shape: ListQuery | None,
        *,
        key: Any = None,
        keep_key: bool = False,
    ) -> CreateRow:
        at = self._writing(caller, shape, "create")
        return CreateRow(at, data, key=key, keep_key=keep_key, records=self._lookup)

    def _update(
        self,
        caller: Caller,
        key: str,
        data: Mapping[str, Any],
        shape: ListQuery | None,
        if_match: frozenset[str] | None,
        mode: Any,
    ) -> UpdateRow:
        at = self._writing(caller, shape, "update")
        return UpdateRow(at, self.parse_key(key), data, mode=mode, if_match=if_match, records=self._lookup)

    def _put(
        self,
        caller: Caller,
        key: str,
        data: Mapping[str, Any],
        shape: ListQuery | None,
        if_match: frozenset[str] | None,
        create: bool | None,
    ) -> Change:
        change = self._update(caller, key, data, shape, if_match, "replace")
        creates = self.spec.options.create_on_put if create is None else create
        # If-Match names a version of a row that is there.
        if not creates or if_match is not None:
            return change
        return PutRow(change, partial(self._writing, caller, shape, "create"), data, records=self._lookup)

    def _delete(self, caller: Caller, key: str, if_match: frozenset[str] | None) -> DeleteRow:
        return DeleteRow(self._writing(caller, None, "delete"), self.parse_key(key), if_match=if_match)

    def _writing(self, caller: Caller, shape: ListQuery | None, operation: str) -> Writing:
        return writing(self._plans, self.entry, caller, shape or self._shape, self._clock, operation)

"""Creating rows: validated, stamped and judged before the transaction, written in one statement each or together."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby, islice
from typing import Any

from sqlalchemy import ARRAY

from mainstay.base.errors import FieldError, Invalid
from mainstay.base.events import Action
from mainstay.base.ids import uuid7
from mainstay.model.spec import Draft, ResourceSpec, RowView, run_checks, run_database_checks, run_hooks, validated
from mainstay.resources.answers import Written
from mainstay.resources.plan.change.insert_many import sizes
from mainstay.resources.plan.row import KEY
from mainstay.resources.plan.select.lens import refusal
from mainstay.resources.records.context import Writing, key_text, wire
from mainstay.resources.records.echo import answer_change, answered_at_once, visible
from mainstay.resources.records.links import LinkChanges, split_links
from mainstay.storage.outbox import change_statement
from mainstay.storage.statement import Script


class CreateRow:
    """One row to be created. `prepare` first, then run `script` in a transaction."""

    action = "create"

    def __init__(
        self, writing: Writing, data: Mapping[str, Any], *, key: Any = None, keep_key: bool = False, records: Any = None
    ) -> None:
        self.writing = writing
        self.records = records
        self.values: dict[str, Any] = {}
        self.links: LinkChanges = {}
        self._returned: Any = None
        self._echo: Any = None
        self._judged: bool | None = None
        # Whether the caller may read the row, once that was asked.
        self._seen: tuple[bool | None] | None = None
        self._data, self._key, self._keep = data, key, keep_key

    @property
    def single(self) -> bool:
        """Whether the script is one statement that nothing can follow."""
        told = self.writing.spec.key.name in self.values
        alone = self._judged is True and told and not self.links
        return alone and answered_at_once(self.echo(), self.seen)

    @property
    def seen(self) -> bool | None:
        """Whether the caller may read the row; None where only the database can tell."""
        if self._seen is None:
            self._seen = (visible(self.writing, self.values),)
        return self._seen[0]

    @property
    def row(self) -> RowView | None:
        """The row as it was stored, once it is."""
        return None if self._returned is None else RowView(self.writing.spec, self.echo().values(self._returned))

    async def prepare(self) -> None:
        """Validate and stamp the values; hooks and checks run here. Raises Invalid or Forbidden."""
        writing, spec = self.writing, self.writing.spec
        data = self._data
        if isinstance(data, Mapping):
            data, self.links = split_links(spec, data)
        values = validated(spec, "create", data, keep_key=self._keep)
        self._stamp(values)
        if spec.hooks or spec.checks:
            draft = Draft(spec, values)
            await run_hooks(spec, "before", "create", draft)
            run_checks(spec, draft)
            if any(check.database for check in spec.checks):
                await run_database_checks(spec, draft, self.records)
            values = draft.changes
        self.values, self._seen = values, None
        if not writing.lens.writable.free:
            writing.check_masks(set(data) & set(spec.fields), values)
        self._judged = writing.admits(values)
        if self._judged is False:
            raise refusal(writing.caller.actor)

    def returned(self, row: Any) -> None:
        """Take the row as the database returned it."""
        self._returned = row

    def script(self) -> Script[Written]:
        """Insert the row and its links; answers what was written."""
        writing, spec = self.writing, self.writing.spec
        echo = self.echo()
        plan = writing.planner.insert(writing.entry, tuple(self.values), writing.query, writing.lens, echo)
        note = partial(writing.note, Action.created, version=1, payload={"row": plan.wire(self.values)})
        others = note(key=self.values[spec.key.name]) if plan.told else {}
        rows = yield plan.statement, plan.bind(self.values, others)
        self._returned = rows[0]
        known = self.values
        if not plan.told:
            # The database made the key: only now can be told which row it is.
            known = {**echo.values(rows[0])}
            yield change_statement(writing.planner.dialect), note(key=known[spec.key.name])
        if self._judged is None:
            held = yield writing.planner.check(writing), {**writing.rule_values(), KEY: known[spec.key.name]}
            if not held:
                raise refusal(writing.caller.actor)
        for change in self.links.values():
            yield from change.script(writing, known)
        seen = self.seen if plan.told else visible(writing, known)
        return (yield from answer_change(writing, echo, rows[0], known, seen, created=True))

    def echo(self) -> Any:
        """How it is answered."""
        if self._echo is None:
            self._echo = self.writing.planner.echo(self.writing.entry, self.writing.caller.actor, self.writing.query)
        return self._echo

    def _stamp(self, values: dict[str, Any]) -> None:
        """Fill in what no client sends: the key, the owner, the times, the version."""
        writing, spec = self.writing, self.writing.spec
        stamps = spec.stamps
        for field in stamps.owners:
            values[field.name] = writing.caller.actor.user_id
            if values[field.name] is None and not field.nullable:
                raise refusal(writing.caller.actor)
        self._stamp_key(values)
        now = writing.clock.now()
        for name in stamps.moments:
            values[name] = now
        for name in stamps.versions:
            values[name] = 1
        for name in stamps.left_to_database:
            if values.get(name) is None:
                values.pop(name, None)

    def _stamp_key(self, values: dict[str, Any]) -> None:
        key = self.writing.spec.key
        if self._key is not None:
            sent = values.get(key.name)
            if sent is not None and sent != self._key:
                raise Invalid(errors=[FieldError((key.name,), "key", "This is not the key in the URL.")])
            values[key.name] = self._key
        if values.get(key.name) is not None:
            return
        values.pop(key.name, None)
        if key.system:
            values[key.name] = uuid7()
        elif key.has_default:
            made = key.make_default()
            if made is not None:
                values[key.name] = made
        elif key.required:
            raise Invalid(errors=[FieldError((key.name,), "missing", "This field is required.")])


def together(changes: Sequence[Any]) -> Iterator[list[Any]]:
    """The changes in their order, in lists: of rows that can be created by one statement, or of one change."""
    fit: dict[int, bool] = {}

    def alike(change: Any) -> object:
        if not isinstance(change, CreateRow):
            return change
        kind = id(change.writing)
        if kind not in fit:
            fit[kind] = _fits(change.writing.spec)
        return (kind, tuple(change.values)) if fit[kind] and change.single else change

    for _, group in groupby(changes, alike):
        found = list(group)
        if len(found) == 1:
            yield found
            continue
        rest = iter(found)
        for size in sizes(found[0].writing.planner.dialect, len(found[0].values), len(found)):
            yield list(islice(rest, size))


def _fits(spec: ResourceSpec) -> bool:
    # An array of arrays would come apart into the items of all of them.
    lists = any(isinstance(field.column.type, ARRAY) for field in spec.fields.values())
    # One by one a row may only refer to rows before it; in one statement it could refer to those after it too.
    own = any(key.column.table is spec.table for key in spec.table.foreign_keys)
    return not lists and not own


def create_together(changes: Sequence[CreateRow]) -> Script[list[Written]]:
    """Insert the rows of one list of `together`; answers what was written, in order."""
    first = changes[0]
    writing, spec, echo = first.writing, first.writing.spec, first.echo()
    planner = writing.planner
    plan = planner.insert_many(writing.entry, tuple(first.values), writing.query, writing.lens, echo, len(changes))
    rows = [change.values for change in changes]
    notes = writing.note(Action.created, first.values[spec.key.name], 1, {})
    payload = plan.convert["outbox_payload"]
    notes["outbox_key"] = [key_text(spec, row[spec.key.name]) for row in rows]
    notes["outbox_payload"] = [payload({"row": wire(spec, row)}) for row in rows]
    found = yield plan.statement, plan.bind(rows, notes)
    written = []
    for change, row in zip(changes, found, strict=True):
        change.returned(row)
        written.append((yield from answer_change(writing, echo, row, change.values, change.seen, created=True)))
    return written

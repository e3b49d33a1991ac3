"""Changing a row: patched, replaced or linked; judged before and after, against the row as it stands when written."""

from collections.abc import Mapping
from typing import Any, Literal

from mainstay.base.errors import (
    FieldError,
    Invalid,
    MainstayError,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
)
from mainstay.base.events import Action
from mainstay.model.spec import Draft, RowView, run_checks, run_database_checks, run_hooks, validated
from mainstay.resources.answers import Written
from mainstay.resources.plan.change.writes import SEEN_VERSION, Current, Echo
from mainstay.resources.plan.row import KEY
from mainstay.resources.plan.select.lens import refusal
from mainstay.resources.records.context import Writing, wire
from mainstay.resources.records.echo import answer_change, answered_at_once, visible
from mainstay.resources.records.links import LinkChanges, split_links
from mainstay.storage.statement import Rows, Script


class Moved(MainstayError):
    """The row changed between being looked at and being written; look again."""


class UpdateRow:
    """One row to be changed. `prepare` first, then run `script` in a transaction; on Moved do both again."""

    action = "update"

    def __init__(
        self,
        writing: Writing,
        key: Any,
        data: Mapping[str, Any],
        *,
        mode: Literal["update", "replace"] = "update",
        if_match: frozenset[str] | None = None,
        links: LinkChanges | None = None,
        records: Any = None,
    ) -> None:
        self.writing, self.key, self.mode, self.if_match = writing, key, mode, if_match
        self.records = records
        self._returned: Any = None
        self.values: dict[str, Any] = {}
        self.links: LinkChanges = links or {}
        self._data = data
        self._seen: str | None = None
        self._sent: dict[str, Any] | None = None
        self._changes: dict[str, Any] = {}
        # What was decided before the transaction: the changed fields, the row as it will be, the version looked at.
        self._decided: tuple[dict[str, Any], dict[str, Any], str] | None = None

    @property
    def ahead(self) -> bool:
        """Whether it may be decided before the transaction: the version then holds the row to what was looked at."""
        return self.writing.spec.version_column is not None and not self.outside

    @property
    def single(self) -> bool:
        """Whether the script is one statement that nothing can follow."""
        if self._decided is None or self.writing.admits(self._decided[1]) is None:
            return False
        return answered_at_once(self._echo(), visible(self.writing, self._decided[1]))

    @property
    def row(self) -> RowView | None:
        """The row as it was stored, once it is."""
        if self._returned is None:
            return None
        return RowView(self.writing.spec, self._echo().values(self._returned))

    @property
    def outside(self) -> bool:
        """Whether user code that may await has to run, which no transaction waits for."""
        spec = self.writing.spec
        return bool(spec.hooks_for("before", "update")) or any(check.database for check in spec.checks)

    async def prepare(self, current: Rows | None = None) -> None:
        """Validate what was sent. With `current`, the row as it stands, hooks and database checks run too, or the
        change is decided already."""
        spec = self.writing.spec
        if spec.options.require_if_match and self.if_match is None:
            raise PreconditionRequired("Send If-Match with the ETag of the row you read.")
        if self._sent is None:
            data: Any = self._data
            if isinstance(data, Mapping):
                data, links = split_links(spec, data)
                self.links = {**self.links, **links}
                self._data = data
            self._sent = validated(spec, self.mode, self._with_key(data))
            self._sent.pop(spec.key.name, None)
        self._changes, self._decided = dict(self._sent), None
        if current is not None and self.outside:
            await self._hooked(current)
        elif current is not None and not self.links:
            before, version = self._judged(self.writing.planner.current(self.writing), current)
            self._decided = (*self._decide(before), version)

    async def _hooked(self, current: Rows) -> None:
        writing, spec = self.writing, self.writing.spec
        before, self._seen = self._judged(writing.planner.current(writing), current)
        draft = Draft(spec, before, self._settable(before))
        await run_hooks(spec, "before", "update", draft)
        run_checks(spec, draft)
        await run_database_checks(spec, draft, self.records)
        self._changes = draft.changes

    def script(self) -> Script[Written]:
        """Look at the row, judge, write it; answers the row as it is then."""
        writing, spec = self.writing, self.writing.spec
        linked = False
        if self._decided is not None:
            changed, after, version = self._decided
        else:
            plan = writing.planner.current(writing)
            rows = yield plan.statement, {**writing.rule_values(), KEY: self.key}
            before, version = self._judged(plan, rows)
            if self._seen is not None and version != self._seen:
                raise Moved()
            changed, after = self._decide(before)
            for change in self.links.values():
                linked = (yield from change.script(writing, before)) or linked
        seen = int(version) if spec.version_column is not None else 0
        return (yield from self._write(seen, changed, after, linked))

    def _decide(self, before: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The fields to be changed in this row, and the row as it will be. Raises what the caller is told."""
        writing, spec = self.writing, self.writing.spec
        if self._seen is None:
            self._changes = self._settable(before)
        # What is not shown counts as changed whatever is sent: else a guess would tell when it is right.
        unshown = set(writing.unreadable(self._changes.keys() & self._data.keys(), before))
        changed = {n: v for n, v in self._changes.items() if n not in before or before[n] != v or n in unshown}
        if self.mode == "replace":
            changed = self._without_fixed(changed)
        after = {**before, **changed}
        writing.check_masks({n for n in changed if n in self._data}, before)
        if self._seen is None and spec.checks:
            run_checks(spec, Draft(spec, before, changed))
        if writing.admits(after) is False:
            raise refusal(writing.caller.actor)
        return changed, after

    def _write(self, seen: int, changed: dict[str, Any], after: dict[str, Any], linked: bool) -> Script[Written]:
        writing, spec = self.writing, self.writing.spec
        echo = self._echo()
        if changed or linked:
            changed = {**changed, **self._stamps(changed)}
            after = {**after, **changed}
            plan = writing.planner.update(writing.entry, tuple(sorted(changed)), writing.query, writing.lens, echo)
            payload = {"row": wire(spec, after), "changed": sorted(changed)}
            others = {**writing.note(Action.updated, self.key, seen + 1, payload), KEY: self.key, SEEN_VERSION: seen}
            rows = yield plan.statement, plan.bind(changed, others)
            if not rows:
                raise Moved()
            self._returned = rows[0]
        else:
            # Nothing differs: nothing is written, and nobody is told of a change.
            rows = yield writing.planner.same(writing.entry, writing.query, writing.lens, echo), {KEY: self.key}
        if writing.admits(after) is None:
            held = yield writing.planner.check(writing), {**writing.rule_values(), KEY: self.key}
            if not held:
                raise refusal(writing.caller.actor)
        return (yield from answer_change(writing, echo, rows[0], after, visible(writing, after)))

    def _echo(self) -> Echo:
        return self.writing.planner.echo(self.writing.entry, self.writing.caller.actor, self.writing.query)

    def _settable(self, before: dict[str, Any]) -> dict[str, Any]:
        """The values to set: a PUT resets what it leaves out, but for fields that the caller may not set."""
        unsent = self._changes.keys() - self._data.keys()
        kept = self.writing.unsettable(unsent, before) if self.mode == "replace" and unsent else ()
        return {name: value for name, value in self._changes.items() if name not in kept}

    def _without_fixed(self, changed: dict[str, Any]) -> dict[str, Any]:
        """Fields that only a create may set stay as they are, and must not be sent with another value."""
        fixed = {name for name in changed if self.writing.spec.fields[name].write == "create"}
        errors = [
            FieldError((n,), "read_only", "This field cannot be changed.") for n in sorted(fixed) if n in self._data
        ]
        if errors:
            raise Invalid(errors=errors)
        return {name: value for name, value in changed.items() if name not in fixed}

    def _judged(self, plan: Current, rows: Rows) -> tuple[dict[str, Any], str]:
        """The row and its version. Raises what the caller is told where they may not see or change it."""
        return judged(self.writing, plan, rows, self.if_match)

    def _stamps(self, changed: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, field in self.writing.spec.fields.items():
            on_update: Any = field.column.onupdate
            if name in changed or (name == "row_version" and field.system):
                continue
            if name == "updated_at" and field.system:
                found[name] = self.writing.clock.now()
            elif on_update is not None and (on_update.is_callable or on_update.is_scalar):
                # SQLAlchemy wraps callables so that they take its context.
                found[name] = on_update.arg(None) if on_update.is_callable else on_update.arg
        return found

    def _with_key(self, data: Any) -> Any:
        """A PUT may repeat the key of its URL."""
        key = self.writing.spec.key
        if self.mode != "replace" or not isinstance(data, Mapping) or key.name not in data:
            return data
        try:
            same = key.values.accept(data[key.name]) == self.key
        except ValueError:
            same = False
        if not same:
            raise Invalid(errors=[FieldError((key.name,), "key", "This is not the key in the URL.")])
        return {name: value for name, value in data.items() if name != key.name}


def judged(writing: Writing, plan: Current, rows: Rows, if_match: frozenset[str] | None) -> tuple[dict[str, Any], str]:
    """The row as it stands, and its version.

    Raises NotFound where there is none that the caller may see, SignInRequired or Forbidden where the operation's
    rule does not admit them, PreconditionFailed where If-Match names other versions only.
    """
    if not rows or writing.lens.nothing or (plan.readable is not None and rows[0][plan.readable] != 1):
        raise NotFound()
    if plan.allowed is not None and rows[0][plan.allowed] != 1:
        raise refusal(writing.caller.actor)
    version = plan.version(rows[0])
    if if_match is not None and version not in if_match:
        raise PreconditionFailed("The row has changed since the version that If-Match names. Read it again.")
    return plan.values(rows[0]), version

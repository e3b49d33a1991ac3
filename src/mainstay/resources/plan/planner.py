"""From a caller and a query to a plan and its run: scopes, lenses, cursors, and the plans already made."""

import contextlib
from functools import partial
from typing import Any

from sqlalchemy import Dialect, and_, select

from mainstay.base.actor import Actor
from mainstay.base.clock import Clock
from mainstay.base.context import Caller
from mainstay.base.errors import Rejected
from mainstay.resources.cursors import Cursors
from mainstay.resources.plan.cache import Key, PlanCache
from mainstay.resources.plan.context import PlanContext, Run
from mainstay.resources.plan.planning import Planning
from mainstay.resources.plan.row import RowPlan, plan_row
from mainstay.resources.plan.rows import RowsPlan, plan_rows
from mainstay.resources.plan.select.keyset import seen_order, unseen
from mainstay.resources.plan.select.lens import Converter, Lens, Lenses, refusal, require_scope_for
from mainstay.resources.plan.select.sources import Source
from mainstay.resources.query import ListQuery, QueryReader
from mainstay.resources.query.page import Paging
from mainstay.resources.registry import Registered, Registry
from mainstay.resources.step_up import StepUp
from mainstay.storage import compile_statement

# The plan of a list, its run, the values of its cursor, and what cursors made from it are bound to.
RowsFound = tuple[RowsPlan, Run, list[Any] | None, bytes]


class Planner:
    """Plans reads of every resource of a registry over one database."""

    def __init__(self, registry: Registry, dialect: Dialect, cursors: Cursors, clock: Clock) -> None:
        self.registry = registry
        self.dialect = dialect
        self.cursors = cursors
        self.lenses = Lenses(self._converters)
        self.step_up = StepUp(registry, clock)
        self._readers: dict[str, QueryReader] = {}
        self._rows: PlanCache[RowsPlan] = PlanCache(registry.options.plans)
        self._row: PlanCache[RowPlan] = PlanCache(registry.options.plans)
        self._planning = Planning()
        self._embedded = dialect.name == "sqlite"
        self._envelope = registry.options.query.envelope

    def reader(self, name: str) -> QueryReader:
        """The reader of a resource's query strings."""
        found = self._readers.get(name)
        if found is None:
            found = self._readers[name] = QueryReader(self.registry, self.registry[name])
        return found

    def lens(self, entry: Registered, actor: Actor) -> Lens:
        """The caller's view for reading. Raises what the caller is to be told where there is nothing to read."""
        if actor.narrowed:
            require_scope_for(entry, actor, "read")
        lens = self.lenses.of(entry, actor)
        if lens.nothing:
            raise refusal(actor, entry.access.read)
        return lens

    def context(self, actor: Actor) -> PlanContext:
        """What compiling for this caller needs."""
        lenses, registry = self.lenses, self.registry
        return PlanContext(
            registry, self.dialect, self.cursors, self.reader, lambda name: lenses.of(registry[name], actor)
        )

    def rows_now(self, entry: Registered, caller: Caller, query: ListQuery) -> RowsFound | None:
        """As `rows`, where the plan is kept; None where it has to be made."""
        key, run, cursor, binding, _ = self._asked(entry, caller, query, views=False)
        plan = self._rows.find(key)
        return None if plan is None else (plan, run, cursor, binding)

    async def rows(self, entry: Registered, caller: Caller, query: ListQuery, *, views: bool = False) -> RowsFound:
        """The plan of a list, its run, the values of its cursor, and what cursors made from it are bound to.

        Raises TooManyRequests for a caller who has had too many plans made.
        """
        key, run, cursor, binding, nulls = self._asked(entry, caller, query, views=views)
        plan = self._rows.find(key)
        if plan is None:
            make = partial(plan_rows, self.context(caller.actor), query, nulls, views=views)
            plan = await self._planning.made(self._rows, key, whose(caller), make)
        return plan, run, cursor, binding

    def _asked(
        self, entry: Registered, caller: Caller, query: ListQuery, *, views: bool
    ) -> tuple[Key, Run, list[Any] | None, bytes, tuple[bool, ...]]:
        lens, run, shapes = self._run(entry, caller, query)
        binding = run.tenant + query.binding
        if lens.masks.hidden:
            binding += unseen(Source(lens), query.order)
        cursor: list[Any] | None = None
        nulls: tuple[bool, ...] = ()
        if query.after is not None or query.before is not None:
            name = "after" if query.after is not None else "before"
            cursor = self.cursors.open(query.after or query.before or "", binding, name)
            nulls = tuple([value is None for value in cursor])
        return (entry.name, query.shape, shapes, nulls, views), run, cursor, binding, nulls

    def row_now(self, entry: Registered, caller: Caller, query: ListQuery) -> tuple[RowPlan, Run] | None:
        """The plan of one row and its run; None where the plan has to be made."""
        _, run, shapes = self._run(entry, caller, query)
        plan = self._row.find((entry.name, query.shape, shapes))
        return None if plan is None else (plan, run)

    async def row(self, entry: Registered, caller: Caller, query: ListQuery) -> tuple[RowPlan, Run]:
        """The plan of one row and its run. Raises TooManyRequests as `rows` does."""
        _, run, shapes = self._run(entry, caller, query)
        key = (entry.name, query.shape, shapes)
        plan = self._row.find(key)
        if plan is None:
            make = partial(plan_row, self.context(caller.actor), query)
            plan = await self._planning.made(self._row, key, whose(caller), make)
        return plan, run

    def row_at_once(self, entry: Registered, caller: Caller, query: ListQuery) -> tuple[RowPlan, Run]:
        """The same inside a transaction, which cannot wait: the plan is made now if need be. Raises as `rows` does."""
        _, run, shapes = self._run(entry, caller, query)
        key = (entry.name, query.shape, shapes)
        plan = self._row.find(key)
        if plan is None:
            make = partial(plan_row, self.context(caller.actor), query)
            plan = self._planning.made_now(self._row, key, whose(caller), make)
        return plan, run

    async def warm(self, actor: Actor) -> None:
        """Make the plans of the first requests of callers like this one: each resource's list, the page after it, and
        one row.
        """
        for entry in self.registry:
            # Such callers may read nothing here.
            with contextlib.suppress(Rejected):
                lens = self.lens(entry, actor)
                reader, context = self.reader(entry.name), self.context(actor)
                first, one = reader.read(b""), reader.read(b"", kind="one")
                after = reader.assemble(paging=Paging(limit=first.limit, after=""))
                nulls = (False,) * len(seen_order(Source(lens), first.order))
                for query, none in ((first, ()), (after, nulls)):
                    key: Key = (entry.name, query.shape, self._seen(entry, actor, query)[2], none, False)
                    await self._planning.made(self._rows, key, "", partial(plan_rows, context, query, none))
                    self._rows.find(key)
                key = (entry.name, one.shape, self._seen(entry, actor, one)[2])
                await self._planning.made(self._row, key, "", partial(plan_row, context, one))
                self._row.find(key)

    def _run(self, entry: Registered, caller: Caller, query: ListQuery) -> tuple[Lens, Run, object]:
        scope = caller.scope or caller.require_scope()
        lens, values, shapes = self._seen(entry, caller.actor, query)
        if self.registry.asks_proof:
            self.step_up.require(entry, "read", caller.actor, query.touches)
        return lens, Run(scope.key.encode(), values, self.cursors, self._envelope, self._embedded), shapes

    def _seen(self, entry: Registered, actor: Actor, query: ListQuery) -> tuple[Lens, dict[str, Any], object]:
        """The actor's view, the values of its rules and of those of every resource touched, and their shapes."""
        lens = self.lens(entry, actor)
        if not query.touches:
            return lens, lens.values, lens.shape
        values, told = dict(lens.values), [lens.shape]
        for name in query.touches:
            touched = self.registry[name]
            require_scope_for(touched, actor, "read")
            other = self.lenses.of(touched, actor)
            values.update(other.values)
            told.append(other.shape)
        return lens, values, tuple(told)

    def _converters(self, lens: Lens) -> dict[str, Converter]:
        """The converters of a lens's binds, learnt from a statement that has them all."""
        source = Source(lens)
        columns = [source.column(name) for name in source.spec.fields]
        gates = [source.gated(name, source.stored(source.spec.key.name)) for name in lens.masks.conditional]
        statement = compile_statement(select(*columns, *gates).where(and_(*source.visible())), self.dialect)
        return dict(statement.converters)


def whose(caller: Caller) -> str:
    """Whose share of planning this caller's plans are made from."""
    # Everybody who isn't signed in shares one share in a tenant.
    return caller.actor.key or f"anonymous of {caller.require_scope().key}"

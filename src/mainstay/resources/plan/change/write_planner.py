"""The plans of changes, kept by shape and counted like those of reads."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from mainstay.access.policy import Folded
from mainstay.base.actor import Actor
from mainstay.base.context import current_caller
from mainstay.model.spec import RelationSpec
from mainstay.resources.plan.cache import Key, PlanCache
from mainstay.resources.plan.change.dependants import Dependants, plan_dependants
from mainstay.resources.plan.change.insert_many import RowsInsert, plan_insert_many
from mainstay.resources.plan.change.links import LinkPlans, plan_links
from mainstay.resources.plan.change.writes import (
    Current,
    Echo,
    RowWrite,
    plan_check,
    plan_current,
    plan_delete,
    plan_echo,
    plan_insert,
    plan_same,
    plan_update,
)
from mainstay.resources.plan.context import PlanContext
from mainstay.resources.plan.planner import Planner, whose
from mainstay.resources.plan.select.lens import Lens
from mainstay.resources.query import ListQuery
from mainstay.resources.registry import Registered
from mainstay.storage.statement import Statement
from mainstay.storage.types import POSTGRES

T = TypeVar("T")


class Operation(Protocol):
    """What a plan depends on: the resource, the caller, and the operation's rule folded for them."""

    @property
    def entry(self) -> Registered: ...
    @property
    def caller(self) -> Any: ...
    @property
    def lens(self) -> Lens: ...
    @property
    def rule(self) -> Folded: ...


class WritePlanner(Planner):
    """Plans reads and changes."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._writes: PlanCache[Any] = PlanCache(self.registry.options.plans)

    def echo(self, entry: Registered, actor: Actor, query: ListQuery) -> Echo:
        """How this caller is answered after a change."""
        lens = self.lenses.of(entry, actor)
        shapes = tuple(self.lenses.of(self.registry[name], actor).shape for name in query.touches)
        key = ("echo", entry.name, query.shape, lens.shape, shapes)
        found: Echo = self._made(key, lambda: plan_echo(self.context(actor), query))
        return found

    def insert(self, entry: Registered, names: tuple[str, ...], query: ListQuery, lens: Lens, echo: Echo) -> RowWrite:
        """INSERT of these fields."""
        return self._row_write(("insert", names), plan_insert, entry, names, query, lens, echo)

    def insert_many(
        self, entry: Registered, names: tuple[str, ...], query: ListQuery, lens: Lens, echo: Echo, count: int
    ) -> RowsInsert:
        """INSERT of `count` rows with these fields; on PostgreSQL, of any number."""
        many = count if self.dialect.name != POSTGRES else 0
        key = ("insert many", many, names, entry.name, query.shape, lens.shape)
        make = partial(plan_insert_many, entry.spec, self.dialect, names, echo, many)
        found: RowsInsert = self._made(key, make)
        return found

    def update(self, entry: Registered, names: tuple[str, ...], query: ListQuery, lens: Lens, echo: Echo) -> RowWrite:
        """UPDATE of these fields."""
        return self._row_write(("update", names), plan_update, entry, names, query, lens, echo)

    def same(self, entry: Registered, query: ListQuery, lens: Lens, echo: Echo) -> Statement:
        """The row unchanged, as an UPDATE would return it."""
        key = ("same", entry.name, query.shape, lens.shape)
        return self._get(key, lambda: plan_same(entry.spec, self.dialect, echo))

    def delete(self, entry: Registered) -> Statement:
        """DELETE of one row."""
        return self._get(("delete", entry.name), lambda: plan_delete(entry.spec, self.dialect))

    def current(self, operation: Operation) -> Current:
        """The row before a change, and what the rules say of it."""
        key = ("current", operation.entry.name, operation.lens.shape, operation.rule.shape)
        found: Current = self._made(key, lambda: plan_current(self._of(operation), operation.lens, operation.rule))
        return found

    def check(self, operation: Operation) -> Statement:
        """Whether the operation's rule holds for a row, asked of the database."""
        key = ("check", operation.entry.name, operation.rule.shape)
        return self._get(key, lambda: plan_check(self._of(operation), operation.lens, operation.rule))

    def links(self, operation: Operation, relation: RelationSpec) -> LinkPlans:
        """The statements on a many-to-many relation."""
        target = self.lenses.of(self.registry.of(relation.target), operation.caller.actor)
        key = ("links", operation.entry.name, relation.name, target.shape)
        found: LinkPlans = self._made(key, lambda: plan_links(self._of(operation), relation))
        return found

    def dependants(self, entry: Registered, actor: Actor) -> list[Dependants]:
        """The rows that go when rows of this resource go."""
        found: list[Dependants] = self._made(
            ("dependants", entry.name), lambda: plan_dependants(self.context(actor), entry)
        )
        return found

    def _row_write(
        self,
        kind: tuple[object, ...],
        plan: Any,
        entry: Registered,
        names: tuple[str, ...],
        query: ListQuery,
        lens: Lens,
        echo: Echo,
    ) -> RowWrite:
        key = (*kind, entry.name, query.shape, lens.shape)
        found: RowWrite = self._made(key, partial(plan, entry.spec, self.dialect, names, echo))
        return found

    def _get(self, key: Key, make: Any) -> Statement:
        found: Statement = self._made(key, make)
        return found

    def _made(self, key: Key, make: Callable[[], Any]) -> Any:
        plan = self._writes.find(key)
        if plan is None:
            caller = current_caller()
            plan = self._planning.made_now(self._writes, key, "" if caller is None else whose(caller), make)
        return plan

    def _of(self, operation: Operation) -> PlanContext:
        return self.context(operation.caller.actor)

"""A rule filters a list in SQL exactly as it judges single rows in Python, on both databases."""

import asyncio
import random
from collections.abc import Generator, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, insert, select
from sqlalchemy.orm import Mapped, relationship

from mainstay.access import Rule, actor, anyone, owner, role, row, scope, signed_in
from mainstay.access.policy import compile_rule, evaluate, fold
from mainstay.access.policy.prepare import prepare_rule
from mainstay.base.actor import Actor
from mainstay.base.ids import uuid7
from mainstay.model import Resource, field, owned, ref
from mainstay.model.spec import ResourceSpec, describe
from mainstay.storage import Database, compile_statement, sql
from tests.databases import Urls
from tests.rooms.model.tables import TENANT, opened


class Base(Resource, family=True):
    __abstract__ = True


class Colour(StrEnum):
    blue = "blue"
    green = "green"
    red = "red"


class Country(Base):
    __tablename__ = "countries"
    name: Mapped[str | None] = field()
    size: Mapped[int | None] = field()


class Person(Base):
    __tablename__ = "people"
    name: Mapped[str | None] = field()
    born: Mapped[date | None] = field()
    country_id: Mapped[UUID | None] = ref(Country)
    country: Mapped[Country | None] = relationship()


class Item(Base):
    __tablename__ = "items"
    name: Mapped[str | None] = field()
    size: Mapped[int | None] = field()
    price: Mapped[Decimal | None] = field(places=2)
    cost: Mapped[Decimal | None] = field(places=2)
    weight: Mapped[float | None] = field()
    fresh: Mapped[bool | None] = field()
    made: Mapped[datetime | None] = field()
    day: Mapped[date | None] = field()
    at: Mapped[time | None] = field()
    colour: Mapped[Colour | None] = field()
    group: Mapped[UUID | None] = field()
    owner_id: Mapped[UUID | None] = owned()
    person_id: Mapped[UUID | None] = ref(Person)
    person: Mapped[Person | None] = relationship()


IDS = [UUID(int=n << 64 | 0x8000 << 48) for n in (1, 2, 1 << 60)]
POOLS: dict[str, list[Any]] = {
    "text": ["", "a", "A", "ab", "ä", "\U0001f600", "\uffff", "%_", "editor"],
    "integer": [0, 1, -1, 2**63 - 1, -(2**63)],
    "decimal": [Decimal("0.00"), Decimal("-0.01"), Decimal("12.50"), Decimal("9999999999999999.99")],
    "float": [0.0, -1.5, 1e300, 5e-324, 0.1],
    "boolean": [True, False],
    "datetime": [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
    "date": [date(1, 1, 1), date(2026, 1, 31), date(9999, 12, 31)],
    "time": [time(0), time(12, 30, 0, 1), time(23, 59, 59, 999999)],
    "enum": list(Colour),
    "uuid": IDS,
}


def filled(spec: ResourceSpec, dice: random.Random) -> dict[str, Any]:
    """Values for a row: each field null one time in three."""
    values: dict[str, Any] = {}
    for name, known in spec.fields.items():
        if not known.system and known.target is None:
            values[name] = None if dice.random() < 0.33 else dice.choice(POOLS[known.kind])
    return values


class World:
    """Items, people and countries, in Python and in a database."""

    def __init__(self, database: Database, runner: asyncio.Runner) -> None:
        self.database, self.runner = database, runner
        self.items: dict[UUID, tuple[dict[str, Any], dict[tuple[str, ...], Any]]] = {}

    def fill(self) -> None:
        dice = random.Random(7)  # the same rows on both databases
        now = datetime(2026, 1, 1, tzinfo=UTC)
        tables: list[tuple[type[Base], list[dict[str, Any]]]] = [(Country, []), (Person, []), (Item, [])]
        rows: dict[UUID, dict[str, Any]] = {}
        for position, (model, made) in enumerate(tables):
            for _ in range((4, 8, 40)[position]):
                values = filled(describe(model), dice)
                if position:
                    parents = tables[position - 1][1]
                    key = ("country_id", "person_id")[position - 1]
                    values[key] = None if dice.random() < 0.25 else dice.choice(parents)["id"]
                values = {"id": uuid7(), **values, "created_at": now, "updated_at": now, "row_version": 1}
                rows[values["id"]] = values
                made.append(values)
        for values in tables[2][1]:
            person = rows.get(values["person_id"], {})
            country = rows.get(person.get("country_id"), {})  # type: ignore[arg-type]  # None is no key of it
            related: dict[tuple[str, ...], Any] = {
                ("person", name): person.get(name) for name in ("name", "born", "country_id")
            }
            related |= {("person", "country", name): country.get(name) for name in ("name", "size")}
            self.items[values["id"]] = (values, related)
        self.runner.run(self._store(tables))

    async def _store(self, tables: list[tuple[type[Base], list[dict[str, Any]]]]) -> None:
        def script() -> Generator[Any, Any, None]:
            for model, made in tables:
                table = model.__table__
                for values in made:
                    statement = insert(table).values(
                        tenant_id=sql.TENANT, **{name: _bind(table, name) for name in values}
                    )
                    yield compile_statement(statement, self.database.dialect), values

        await self.database.write(TENANT, script())

    def admitted(self, rule: Rule, who: Actor) -> set[UUID]:
        """The items that SQL admits."""
        folded = fold(prepare_rule(rule, describe(Item)), who)
        table = Item.__table__
        statement = select(table.c.id).where(sql.in_tenant(table), compile_rule(folded, table))
        plan = compile_statement(statement, self.database.dialect)
        found = self.runner.run(self.database.fetch(TENANT, plan, folded.binds()))
        return {UUID(str(key)) for (key,) in found}


def _bind(table: Any, name: str) -> Any:

    return bindparam(name, type_=table.c[name].type)


@pytest.fixture
def world(urls: Urls) -> Iterator[World]:
    with asyncio.Runner() as runner:
        context = opened(urls, Base.metadata)
        made = World(runner.run(context.__aenter__()), runner)
        try:
            made.fill()
            yield made
        finally:
            runner.run(context.__aexit__(None, None, None))


def comparisons() -> st.SearchStrategy[Rule]:
    fields = {
        name: known.kind for name, known in describe(Item).fields.items() if not known.system and name != "person_id"
    }
    places: list[tuple[Any, str]] = [(row[name], kind) for name, kind in fields.items()]
    places += [
        (row.person.name, "text"),
        (row.person.born, "date"),
        (row.person.country_id, "uuid"),
        (row.person.country.name, "text"),
        (row.person.country.size, "integer"),
    ]

    def one(place: tuple[Any, str]) -> st.SearchStrategy[Rule]:
        path, kind = place
        values = st.sampled_from(POOLS[kind])
        alike = [other for other, its in places if its == kind]
        signs = ["__eq__", "__ne__"] + ([] if kind == "boolean" else ["__lt__", "__le__", "__gt__", "__ge__"])
        found = [
            st.tuples(st.sampled_from(signs), values).map(lambda made: getattr(path, made[0])(made[1])),
            st.tuples(st.sampled_from(signs), st.sampled_from(alike)).map(lambda made: getattr(path, made[0])(made[1])),
            st.lists(values, max_size=3).map(path.in_),
            st.lists(values, max_size=3).map(path.not_in),
            st.just(path.is_null()),
            st.just(path.is_not_null()),
        ]
        if kind == "uuid":
            found.append(st.sampled_from(signs).map(lambda sign: getattr(path, sign)(actor.id)))
        if kind == "text":
            found += [st.just(path.in_(actor.roles)), st.just(path.not_in(actor.scopes))]
        return st.one_of(found)

    return st.sampled_from(places).flatmap(one)


def rules() -> st.SearchStrategy[Rule]:
    leaves = comparisons() | st.sampled_from(
        [
            anyone,
            ~anyone,
            signed_in,
            owner,
            role("editor"),
            scope("a", "b"),
            actor.id == IDS[0],
            actor.id.is_null(),
            row.fresh & owner,
        ]
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
            st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
            inner.map(lambda part: ~part),
        ),
        max_leaves=8,
    )


def actors() -> st.SearchStrategy[Actor]:
    return st.builds(
        Actor,
        user_id=st.none() | st.sampled_from(IDS),
        roles=st.frozensets(st.sampled_from(["editor", "a", "x"])),
        scopes=st.frozensets(st.sampled_from(["a", "b"])),
    )


def test_sql_admits_the_rows_that_evaluation_admits(world: World) -> None:
    spec = describe(Item)

    @settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(rule=rules(), who=actors())
    def agrees(rule: Rule, who: Actor) -> None:
        prepared = prepare_rule(rule, spec)
        wanted = {
            key for key, (values, related) in world.items.items() if evaluate(prepared, who, values, related) is True
        }
        folded = fold(prepared, who)
        if folded.verdict is not None:
            assert wanted == (set(world.items) if folded.verdict else set())
        assert world.admitted(rule, who) == wanted

    agrees()


def test_rests_of_one_shape_are_one_sql_text(world: World) -> None:
    spec, table = describe(Item), Item.__table__

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(rule=rules(), who=actors(), other=actors())
    def same(rule: Rule, who: Actor, other: Actor) -> None:
        first, second = (fold(prepare_rule(rule, spec), caller) for caller in (who, other))
        texts = [str(compile_rule(folded, table).compile(dialect=world.database.dialect)) for folded in (first, second)]
        assert (first.shape == second.shape) == (texts[0] == texts[1])

    same()

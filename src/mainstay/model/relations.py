"""Joins for relationships that look at the tenant and never write it, and the tables of many-to-many links."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, ForeignKeyConstraint, Index, MetaData, PrimaryKeyConstraint, Table, and_, inspect
from sqlalchemy.orm import Mapper, RelationshipProperty, foreign, remote
from sqlalchemy.sql.elements import ColumnElement

from mainstay.base.errors import ConfigurationError
from mainstay.model.constraints import METADATA, TENANT_COLUMN, target_of
from mainstay.model.declare import declared
from mainstay.storage.types import UuidText

LINK = "mainstay_link"


def link(
    name: str,
    left: type[Any] | str,
    right: type[Any] | str,
    *,
    left_id: str | None = None,
    right_id: str | None = None,
    metadata: MetaData | None = None,
) -> Table:
    """The table of a many-to-many relation: `tags: Mapped[list[Tag]] = relationship(secondary=link(...))`.

    `left` and `right` are resources or their table names. The columns are `<table>_id` unless named otherwise.
    A link goes with either of its rows.
    """
    first, second = (side if isinstance(side, str) else str(side.__tablename__) for side in (left, right))
    columns = (left_id or f"{first}_id", right_id or f"{second}_id")
    if columns[0] == columns[1]:
        raise ConfigurationError(
            f"The link {name} joins {first} with itself under one column name.",
            fix='Name both ends: link(..., left_id="person_id", right_id="friend_id").',
        )
    home = (
        metadata if metadata is not None else next((s.metadata for s in (left, right) if not isinstance(s, str)), None)
    )
    return Table(
        name,
        home if home is not None else METADATA,
        Column(TENANT_COLUMN, UuidText(), nullable=False),
        Column(columns[0], UuidText(), nullable=False, info={LINK: first}),
        Column(columns[1], UuidText(), nullable=False, info={LINK: second}),
        PrimaryKeyConstraint(TENANT_COLUMN, *columns, name=f"pk_{name}"),
        _link_key(name, columns[0], first),
        _link_key(name, columns[1], second),
        # The key serves the left side; the way back needs an index of its own.
        Index(f"ix_{name}_{columns[1]}", TENANT_COLUMN, columns[1], columns[0]),
        info={"plane": "tenant", LINK: True},
    )


def _link_key(name: str, column: str, target: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        [TENANT_COLUMN, column],
        [f"{target}.{TENANT_COLUMN}", f"{target}.id"],
        name=f"fk_{name}_{column}",
        ondelete="CASCADE",
    )


def join_relations(mapper: Mapper[Any], cls: type[Any]) -> None:
    """Give each relationship of the class its join, just before SQLAlchemy works them out: all classes exist then."""
    for prop in list(mapper._props.values()):
        _join(cls, prop)


def _join(cls: type[Any], prop: Any) -> None:
    if not isinstance(prop, RelationshipProperty):
        return
    # The target's class must be known before the joins are asked for; asking `.mapper` would configure again.
    prop._setup_entity()
    arguments = prop._init_args
    if arguments.primaryjoin.argument is not None:
        return
    # SQLAlchemy has no public way to set a join after the relationship was made; tests hold us to this one.
    arguments.primaryjoin.argument = _later(cls, prop, _primary)
    if arguments.secondary.argument is not None:
        arguments.secondaryjoin.argument = _later(cls, prop, _secondary)


def _later(
    cls: type[Any], prop: RelationshipProperty[Any], make: Callable[[type[Any], RelationshipProperty[Any]], Any]
) -> Callable[[], ColumnElement[bool]]:
    def resolve() -> ColumnElement[bool]:
        joined: ColumnElement[bool] = make(cls, prop)
        return joined

    return resolve


def _primary(cls: type[Any], prop: RelationshipProperty[Any]) -> ColumnElement[bool]:
    here: Table = cls.__table__
    if prop._init_args.secondary.argument is not None:
        table = _secondary_table(prop)
        # The link row takes its tenant from this side; rows of resources never do.
        return and_(here.c.tenant_id == foreign(table.c.tenant_id), here.c.id == foreign(_link_columns(cls, prop)[0]))
    other: type[Any] = prop.mapper.class_
    column, holds_key = _foreign_column(cls, prop, other)
    there: Table = other.__table__
    if holds_key:
        return and_(remote(there.c.tenant_id) == here.c.tenant_id, remote(there.c.id) == foreign(column))
    return and_(remote(there.c.tenant_id) == here.c.tenant_id, foreign(remote(column)) == here.c.id)


def _secondary(cls: type[Any], prop: RelationshipProperty[Any]) -> ColumnElement[bool]:
    there: Table = prop.mapper.class_.__table__
    table = _secondary_table(prop)
    return and_(there.c.tenant_id == table.c.tenant_id, there.c.id == foreign(_link_columns(cls, prop)[1]))


def _secondary_table(prop: RelationshipProperty[Any]) -> Table:
    argument = prop._init_args.secondary.effective_value()
    table: Any = argument() if callable(argument) else argument
    found: Table = prop.parent.class_.metadata.tables[table] if isinstance(table, str) else table
    return found


def _link_columns(cls: type[Any], prop: RelationshipProperty[Any]) -> tuple[Column[Any], Column[Any]]:
    """The link table's columns for this class and for the other one."""
    table = _secondary_table(prop)
    ends = [column for column in table.columns if LINK in column.info]
    if len(ends) != 2:
        raise ConfigurationError(
            f"{cls.__name__}.{prop.key} uses {table.name}, which was not made by link().",
            fix=f'Make it with link("{table.name}", ...), or give the relationship both of its joins.',
        )
    first, second = ends
    if first.info[LINK] == second.info[LINK]:
        # A table linked with itself: the relationship declared first looks from left to right, the other one back.
        same = [p for p in prop.parent._props.values() if isinstance(p, RelationshipProperty)]
        same = [p for p in same if p._init_args.secondary.argument is not None and _secondary_table(p) is table]
        return (first, second) if same[0] is prop else (second, first)
    return (first, second) if first.info[LINK] == cls.__table__.name else (second, first)


def _foreign_column(cls: type[Any], prop: RelationshipProperty[Any], other: type[Any]) -> tuple[Column[Any], bool]:
    """The column that holds the key of this relation, and whether it is on this class's own table."""
    here, back = _refs(cls, other), _refs(other, cls)
    named = [column for column in here if column.name == f"{prop.key}_id"]
    many = prop.uselist is not False
    if cls is other:
        chosen = (_back_reference(prop, here) if many else named) or here
        if len(chosen) == 1:
            return chosen[0], not many
    elif here and not many and (len(here) == 1 or len(named) == 1):
        return (named or here)[0], True
    elif back:
        wanted = _back_reference(prop, back)
        if len(wanted) == 1:
            return wanted[0], False
    raise ConfigurationError(
        f"{cls.__name__}.{prop.key} could be joined with {other.__name__} in {len(here) + len(back)} ways.",
        fix=f"Name the reference {prop.key}_id = ref({other.__name__}), or give back_populates or primaryjoin.",
    )


def _back_reference(prop: RelationshipProperty[Any], back: list[Column[Any]]) -> list[Column[Any]]:
    if len(back) == 1:
        return back
    name = prop._init_args.back_populates.argument
    return [column for column in back if column.name == f"{name}_id"]


def _refs(cls: type[Any], target: type[Any]) -> list[Column[Any]]:
    mapper: Mapper[Any] = inspect(cls)
    found = []
    for column in mapper.local_table.columns:
        options = declared(column.info)
        if options is not None and options.target is not None and target_of(cls, options.target) is target:
            found.append(column)
    return found  # type: ignore[return-value]  # a Table's columns are Columns

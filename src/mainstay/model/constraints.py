"""Keys, foreign keys, unique rules and indexes with the tenant in front, and names that lead back to a field."""

from typing import Any

from sqlalchemy import Column, ForeignKeyConstraint, Index, MetaData, Table, UniqueConstraint

from mainstay.base.errors import ConfigurationError
from mainstay.model.declare import KIND, Declared, declared
from mainstay.model.options import read_options
from mainstay.storage.orders import FEW, Term, declare_order, gives_order

TENANT_COLUMN = "tenant_id"
NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
METADATA = MetaData(naming_convention=NAMING)
# Foreign keys whose target class is not declared yet: (registry, class name) -> what to do then.
_waiting: dict[tuple[int, str], list[tuple[type[Any], Table, str, Declared]]] = {}


def constrain(cls: type[Any], table: Table) -> None:
    """Add what the table's fields asked for, and put the tenant in front of rules the user wrote by hand."""
    table.info.setdefault("plane", "tenant")
    table.info.setdefault("rid", True)
    searched = tuple(c.name for c in table.columns if (found := declared(c.info)) is not None and found.search)
    if searched:
        table.info.setdefault("search", searched)
    if table.primary_key.name is None:
        table.primary_key.name = f"pk_{table.name}"
    _put_tenant_first(table)
    listed = _terms(table, read_options(cls).default_sort or "")
    for column in list(table.columns):
        options = declared(column.info)
        if getattr(column.info.get(KIND), "name", None) in ("boolean", "enum"):
            column.info[FEW] = True
        if options is None:
            continue
        if options.unique:
            table.append_constraint(UniqueConstraint(TENANT_COLUMN, column.name, name=f"uq_{table.name}_{column.name}"))
        _index_column(table, column, options, listed)
        if options.target is not None:
            _refer(cls, table, column.name, options)
    for waiting in _waiting.pop((id(cls.registry), cls.__name__), []):
        _add_foreign_key(waiting[1], waiting[2], table, waiting[3])
    _index_sorts(cls, table)


def _index_column(table: Table, column: "Column[Any]", options: Declared, listed: tuple[Term, ...]) -> None:
    leads_here = options.owner or options.target is not None
    if (options.unique and not column.nullable) or not (options.unique or options.index):
        return
    if listed and leads_here and not options.unique:
        # What belongs to one row, or to one user, is listed in the resource's own order; NULLs as for every order.
        declare_order(table, (Term(column.name), *(term for term in listed if term.column != column.name)))
    elif column.nullable:
        # NULL is the smallest value, which a plain index of PostgreSQL doesn't know.
        declare_order(table, (Term(column.name), Term("id")))
    else:
        # The id at the end makes the index serve sorted keyset pages.
        Index(f"ix_{table.name}_{column.name}", table.c[TENANT_COLUMN], column, table.c.id)


def _index_sorts(cls: type[Any], table: Table) -> None:
    """An index for each order that the class declares and that no other index gives."""
    options = read_options(cls)
    for text in filter(None, (options.default_sort, *options.sorts)):
        terms = _terms(table, text)
        if terms and not gives_order(table, terms):
            declare_order(table, terms)


def _terms(table: Table, text: str) -> tuple[Term, ...]:
    """The columns of an order down to the id; none where one is unknown, which describe() says."""
    terms: list[Term] = []
    for each in filter(None, text.split(",")):
        term = Term(each.removeprefix("-"), each.startswith("-"))
        if term.column not in table.columns:
            return ()
        terms.append(term)
        if term.column == "id":
            return tuple(terms)
    return (*terms, Term("id", terms[-1].descending)) if terms else ()


def target_of(cls: type[Any], target: Any) -> type[Any] | None:
    """The class that a `ref` points to; None while it is only a name that nobody has declared."""
    if not isinstance(target, str):
        return target if isinstance(target, type) else None
    for mapper in cls.registry.mappers:
        if target in (mapper.class_.__name__, getattr(mapper.local_table, "name", None)):
            found: type[Any] = mapper.class_
            return found
    return None


def unresolved(cls: type[Any]) -> str | None:
    """The name of a class that this one refers to and that was never declared."""
    for (family, name), entries in _waiting.items():
        if family == id(cls.registry) and any(entry[0] is cls for entry in entries):
            return name
    return None


def _refer(cls: type[Any], table: Table, column: str, options: Declared) -> None:
    target = target_of(cls, options.target)
    if target is None:
        key = (id(cls.registry), str(options.target))
        _waiting.setdefault(key, []).append((cls, table, column, options))
        return
    _add_foreign_key(table, column, target.__table__, options)


def _add_foreign_key(table: Table, column: str, target: Any, options: Declared) -> None:
    if target.info.get("plane") == "control":
        return
    key = [c for c in target.primary_key.columns if c.name != TENANT_COLUMN]
    if len(key) != 1:
        raise ConfigurationError(
            f"{table.name}.{column} refers to {target.name}, whose key has {len(key)} columns.",
            fix="Refer to a table with one key column besides the tenant.",
        )
    scoped = TENANT_COLUMN in target.columns
    table.append_constraint(
        ForeignKeyConstraint(
            [TENANT_COLUMN, column] if scoped else [column],
            [target.c[TENANT_COLUMN], key[0]] if scoped else [key[0]],
            name=f"fk_{table.name}_{column}",
            ondelete="CASCADE" if options.on_delete == "cascade" else "RESTRICT",
        )
    )


def _put_tenant_first(table: Table) -> None:
    """Unique constraints and indexes from `__table_args__` hold within the tenant as well."""
    for constraint in list(table.constraints):
        if isinstance(constraint, UniqueConstraint):
            names = [column.name for column in constraint.columns]
            if TENANT_COLUMN in names:
                continue
            table.constraints.discard(constraint)
            name = constraint.name if isinstance(constraint.name, str) else f"uq_{table.name}_{'_'.join(names)}"
            table.append_constraint(UniqueConstraint(TENANT_COLUMN, *names, name=str(name)))
    for index in list(table.indexes):
        names = [getattr(column, "name", "") for column in index.expressions]
        if TENANT_COLUMN in names:
            continue
        if index.kwargs:
            # Of a kind of its own (GIN, partial…): the tenant's column may have no place in it.
            continue
        table.indexes.discard(index)
        name = str(index.name) if index.name else f"ix_{table.name}_{'_'.join(names)}"
        # With the id at the end it serves sorted keyset pages.
        last = [] if index.unique or "id" in names else [table.c.id]
        Index(name, table.c[TENANT_COLUMN], *index.expressions, *last, unique=index.unique)

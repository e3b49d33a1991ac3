"""`describe`: from a mapped class, ours or one that existed before, to its ResourceSpec."""

import inspect as python
from typing import Any, get_type_hints
from uuid import UUID
from weakref import WeakKeyDictionary

from pydantic import TypeAdapter
from sqlalchemy import Column, Table, inspect
from sqlalchemy.exc import NoInspectionAvailable

from mainstay.base.errors import ConfigurationError
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.model.behaviour import CountOf, behaviours, computed
from mainstay.model.constraints import target_of, unresolved
from mainstay.model.declare import KIND, MISSING, Declared, declared
from mainstay.model.options import Options, read_options
from mainstay.model.spec.field_spec import OPERATORS, FieldSpec
from mainstay.model.spec.relation_spec import RelationSpec, relations, tenant_column
from mainstay.model.spec.resource_spec import ComputedSpec, ResourceSpec
from mainstay.model.spec.tidy import effective, steps
from mainstay.model.types import Kind, Refused
from mainstay.model.types.choose import kind_of_column

SYSTEM = ("id", "created_at", "updated_at", "row_version")
RESERVED_NAMES = ("batch",)
_known: "WeakKeyDictionary[type[Any], ResourceSpec]" = WeakKeyDictionary()


def describe(model: type[Any], *, home_tenant: UUID | None = None) -> ResourceSpec:
    """The model's ResourceSpec, made once. Raises ConfigurationError for what cannot be served.

    A model without a tenant column belongs to `home_tenant` (the default tenant, unless told) as a whole.
    """
    found = _known.get(model)
    if found is None:
        found = _known[model] = _describe(model, home_tenant)
    return found


def _describe(model: type[Any], home_tenant: UUID | None) -> ResourceSpec:
    try:
        mapper = inspect(model)
    except NoInspectionAvailable:
        mapper = None
    table = getattr(mapper, "local_table", None)
    if mapper is None or not isinstance(table, Table):
        raise ConfigurationError(
            f"{getattr(model, '__name__', model)!s} is not a mapped class with a table.",
            fix="Pass a Resource or a SQLAlchemy declarative model.",
        )
    missing = unresolved(model) if hasattr(model, "registry") else None
    if missing is not None:
        raise ConfigurationError(
            f"{model.__name__} refers to {missing}, which is not declared.",
            fix=f"Import the module that declares {missing}.",
        )
    mapper.registry.configure(cascade=True)
    table.info.setdefault("plane", "tenant")
    if home_tenant is not None or table.info.get("tenant_column", "tenant_id") not in table.columns:
        table.info.setdefault("home_tenant", home_tenant or DEFAULT_TENANT)
    options = read_options(model)
    # SQLAlchemy's names are strings of its own kind, which SQLite's driver looks at long wherever one is bound.
    name = str(options.name or table.name)
    if name in RESERVED_NAMES:
        raise ConfigurationError(
            f"{model.__name__} would be served as {name!r}, which is a path of Mainstay's own.",
            fix='Choose another name: __api__ = Options(name="...").',
        )
    checks, hooks, shown, counts = behaviours(model)
    key = _key_column(model, table)
    fields = _fields(model, table, key, options)
    related = relations(model)
    spec = ResourceSpec(
        name=name,
        model=model,
        table=table,
        key=fields[next(n for n, f in fields.items() if f.column is key)],
        tenant_column=tenant_column(table),
        version_column=table.columns.get("row_version"),
        fields=fields,
        relations=related,
        computed={entry.name: _computed(model, entry) for entry in shown},
        counts={n: _counted(model, n, count, related) for n, count in counts.items()},
        checks=tuple(checks),
        hooks=tuple(hooks),
        options=options,
        owner_field=next((n for n, f in fields.items() if f.owner), None),
        description=python.cleandoc(model.__dict__.get("__doc__") or f"{model.__name__} rows."),
    )
    _check_sorts(model, fields, options)
    strange = [rule.field for rule in checks if rule.field is not None and rule.field not in fields]
    if strange:
        raise ConfigurationError(
            f"A check of {model.__name__} is for {strange[0]!r}, which is no field.", fix="Name one of its fields."
        )
    return spec


def _check_sorts(model: type[Any], fields: dict[str, FieldSpec], options: Options) -> None:
    for text in options.sorts:
        unknown = [name for each in text.split(",") if (name := each.removeprefix("-")) not in fields]
        if unknown:
            raise ConfigurationError(
                f"{model.__name__} declares the order {text!r}, and {unknown[0]!r} is no field of it.",
                fix="Name fields in sorts, as in -created_at,title.",
            )


def _key_column(model: type[Any], table: Table) -> Column[Any]:
    tenant = tenant_column(table)
    columns = [column for column in table.primary_key.columns if column is not tenant]
    if len(columns) != 1:
        raise ConfigurationError(
            f"{model.__name__} has a key of {len(columns)} columns; a resource is found by one.",
            fix="Expose a model with one key column besides the tenant.",
        )
    return columns[0]


def _fields(model: type[Any], table: Table, key: Column[Any], options: Options) -> dict[str, FieldSpec]:
    tenant = tenant_column(table)
    found: dict[str, FieldSpec] = {}
    for attribute in inspect(model).column_attrs:
        column = attribute.columns[0]
        if not isinstance(column, Column) or column is tenant or attribute.key in options.exclude:
            continue
        if attribute.key in OPERATORS:
            raise ConfigurationError(
                f"{model.__name__}.{attribute.key} is named like a filter operator.",
                fix="Give the field another name; the column may keep its own.",
            )
        found[attribute.key] = _field(model, attribute.key, column, is_key=column is key, options=options)
    order = {column: position for position, column in enumerate(table.columns)}
    return dict(sorted(found.items(), key=lambda item: (item[1].column is not key, order[item[1].column])))


def _field(model: type[Any], name: str, column: Column[Any], *, is_key: bool, options: Options) -> FieldSpec:
    where = f"{model.__name__}.{name}"
    own = declared(column.info)
    kind: Kind | None = column.info.get(KIND) or kind_of_column(column.type)
    if kind is None:
        raise ConfigurationError(
            f"{where} is a column of type {column.type.__class__.__name__}, which JSON cannot carry.",
            fix=f'Leave it out: __api__ = Options(exclude=("{name}",)).',
        )
    told = own or _from_column(column, kind)
    system = own is None and name in SYSTEM and "home_tenant" not in column.table.info and "rid" in column.table.info
    default = _default(column, told)
    has_default = default is not MISSING or column.server_default is not None
    write = told.write
    if system:
        write = "create" if is_key and options.client_ids else "never"
    elif is_key:
        write = "never" if _is_generated(column, has_default) else "create"
    limits = effective(told.limits, kind, keyed=told.unique or told.index or is_key, where=where)
    if told.search and kind.name != "text":
        raise ConfigurationError(f"{where} is searched and is no text.", fix="Remove search=True.")
    nullable = bool(column.nullable)
    spec = FieldSpec(
        name=name,
        column=column,
        values=kind,
        nullable=nullable,
        required=write != "never" and not nullable and not has_default,
        has_default=has_default,
        default=default,
        write=write,
        readable=told.read,
        searchable=told.search,
        unique=told.unique or bool(column.unique) or is_key,
        indexed=told.unique or told.index or is_key or bool(column.index),
        constraints=limits,
        target=target_of(model, told.target) if told.target is not None else None,
        owner=told.owner,
        on_erase=told.on_erase,
        system=system,
        title=told.title,
        description=told.description or column.comment or column.doc,
        example=told.example,
        deprecated=told.deprecated,
        personal=told.personal,
        steps=steps(limits, kind),
    )
    _check_default(spec, where)
    return spec


def _check_default(spec: FieldSpec, where: str) -> None:
    """A default that could not be stored would fail the first request that leaves the field out."""
    try:
        if spec.default_value is not None:
            spec.make_default()
    except Refused as refused:
        raise ConfigurationError(
            f"{where} has the default {spec.default!r}, which is no value of it: {refused.message}",
            fix="Give it a default of its own kind.",
        ) from None


def _from_column(column: Column[Any], kind: Kind) -> Declared:
    """What an existing column says of itself."""
    length = getattr(column.type, "length", None) if kind.name == "text" else None
    base = Declared()
    return base if length is None else Declared(limits=type(base.limits)(max_length=length))


def _default(column: Column[Any], told: Declared) -> Any:
    if told.default_factory is not None:
        return told.default_factory
    if told.default is not MISSING:
        return told.default
    default = column.default
    if default is None or not (default.is_scalar or default.is_callable):
        return MISSING
    if default.is_callable:
        # SQLAlchemy wraps factories so that they take its context.
        return lambda: default.arg(None)  # type: ignore[attr-defined]  # a callable default has one
    return default.arg  # type: ignore[attr-defined]  # a scalar default has one


def _is_generated(column: Column[Any], has_default: bool) -> bool:
    integer = isinstance(column.type.python_type, type) and issubclass(column.type.python_type, int)
    return has_default or column.identity is not None or (integer and column.autoincrement in (True, "auto"))


def _computed(model: type[Any], entry: "computed[Any]") -> ComputedSpec:
    try:
        annotation = get_type_hints(entry.call).get("return", Any)
    except NameError as error:
        raise ConfigurationError(
            f"{model.__name__}.{entry.name} returns {error.name}, which its module does not know.",
            fix="Import it at the top of the module.",
        ) from error
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    schema = adapter.json_schema(mode="serialization")
    schema.setdefault("title", entry.name.replace("_", " ").capitalize())
    if entry.__doc__:
        schema.setdefault("description", python.cleandoc(entry.__doc__))

    def to_json(value: Any) -> Any:
        return adapter.dump_python(value, mode="json")

    return ComputedSpec(name=entry.name, call=entry.call, python_type=annotation, schema=schema, to_json=to_json)


def _counted(model: type[Any], name: str, count: CountOf, related: dict[str, RelationSpec]) -> RelationSpec:
    found = related.get(count.relation)
    if found is None or found.kind == "one":
        raise ConfigurationError(
            f"{model.__name__}.{name} counts {count.relation!r}, which is no to-many relationship of it.",
            fix="Name a relationship annotated Mapped[list[...]].",
        )
    return found

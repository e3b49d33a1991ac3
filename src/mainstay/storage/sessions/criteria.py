"""The tenant's criteria for every mapped class, and the proof that an ORM statement carries them."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Dialect, Table, bindparam
from sqlalchemy.orm import LoaderCriteriaOption, Mapper, registry, with_loader_criteria
from sqlalchemy.sql.visitors import iterate

from mainstay.base.errors import TenantViolation
from mainstay.storage.scope import Walk
from mainstay.storage.sql import TENANT_NAME, TENANT_PLANE, tenant_column
from mainstay.storage.types import UuidText

_REMEMBERED = 512
# Proved shapes: a statement's cache key says everything but the values of its binds.
_proved: "OrderedDict[Any, None]" = OrderedDict()


def tenant_table(mapper: Mapper[Any]) -> Table | None:
    """The mapper's table if it lies in the tenant plane."""
    table = mapper.local_table
    return table if isinstance(table, Table) and table.info.get("plane") == TENANT_PLANE else None


def tenant_attribute(mapper: Mapper[Any]) -> str | None:
    """The name of the attribute that holds the tenant; None for a table of one home tenant."""
    table = tenant_table(mapper)
    name = None if table is None else tenant_column(table)
    if table is None or name is None:
        return None
    return mapper.get_property_by_column(table.c[name]).key


def tenant_bind(tenant: UUID) -> Any:
    """The tenant, as the walk recognises it, with its value."""
    return bindparam(TENANT_NAME, tenant, type_=UuidText())


def condition(mapper: Mapper[Any], tenant: UUID) -> Any:
    """The condition that keeps this class to the tenant."""
    attribute = tenant_attribute(mapper)
    if attribute is not None:
        return getattr(mapper.class_, attribute) == tenant_bind(tenant)
    table = tenant_table(mapper)
    home = UUID(str(table.info["home_tenant"])) if table is not None else None
    return tenant_bind(tenant) == bindparam(None, home, type_=UuidText(), unique=True)


def criteria(families: Iterable[registry], tenant: UUID) -> list[Any]:
    """Loader options that put the condition on every tenant-plane class of these families."""
    return [
        with_loader_criteria(mapper, condition(mapper, tenant), include_aliases=True)
        for family in families
        for mapper in family.mappers
        if tenant_table(mapper) is not None
    ]


def families_of(statement: Any, mappers: Iterable[Mapper[Any]]) -> frozenset[registry]:
    """The registries of every class that the statement can reach."""
    stack = list(mappers)
    if not stack:
        # No entity among the columns: count(*) and its like name it in FROM only.
        for element in iterate(statement):
            entity = getattr(element, "_annotations", {}).get("parententity")
            if entity is not None:
                stack.append(entity.mapper)
    found: set[registry] = set()
    while stack:
        mapper = stack.pop()
        if mapper.registry not in found:
            found.add(mapper.registry)
            stack.extend(each.mapper for other in mapper.registry.mappers for each in other.relationships)
    return frozenset(found)


def prove(statement: Any, dialect: Dialect, tenant: UUID) -> None:
    """Raise TenantViolation unless the statement, as the ORM will send it, keeps every table to the tenant."""
    key = statement._generate_cache_key()
    if key is not None:
        for bind in key.bindparams:
            if bind.key == TENANT_NAME and bind.value != tenant:
                raise TenantViolation("A statement names another tenant than its session's.")
        if (key.key, dialect.name) in _proved:
            return
    options = [option for option in statement._with_options if isinstance(option, LoaderCriteriaOption)]

    def as_sent(element: Any) -> Any:
        # A subquery gets the criteria of the whole statement when it is compiled within it.
        if element._propagate_attrs.get("compile_state_plugin") != "orm":
            return element
        named = element if element is statement else element.options(*options)
        return named.compile(dialect=dialect).compile_state.statement

    walk = Walk(transitive=True, as_sent=as_sent)
    walk.statement(statement)
    if walk.control:
        raise TenantViolation("A tenant's session reads no table of the control plane.")
    if key is not None:
        _proved[key.key, dialect.name] = None
        while len(_proved) > _REMEMBERED:
            _proved.popitem(last=False)

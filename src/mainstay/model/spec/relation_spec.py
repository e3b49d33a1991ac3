"""`RelationSpec`: how one resource's rows find another's."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, Table, inspect
from sqlalchemy.orm import RelationshipDirection, RelationshipProperty

from mainstay.model.constraints import TENANT_COLUMN


@dataclass(frozen=True, eq=False, kw_only=True)
class RelationSpec:
    """A relationship, as columns: rows match where `local == remote` (or through `secondary`), within the tenant.

    `kind` is "one" (at most one row), "many" (rows that hold our key) or "link" (many-to-many).
    """

    name: str
    kind: Literal["one", "many", "link"]
    source: type[Any]
    target: type[Any]
    local: Column[Any]
    remote: Column[Any]
    holds_key: bool
    """The key of the other row is a column of our own table."""
    nullable: bool
    secondary: Table | None = None
    secondary_local: Column[Any] | None = None
    secondary_remote: Column[Any] | None = None
    back: str | None = None
    """The name of the relation that leads back, where one is declared."""


def tenant_column(table: Table) -> Column[Any] | None:
    """The table's tenant column, if it has one."""
    name = table.info.get("tenant_column", TENANT_COLUMN)
    return table.columns.get(name) if "home_tenant" not in table.info else None


def relations(model: type[Any]) -> dict[str, RelationSpec]:
    """Every relationship of the model that joins by one column; others are left to the user's own code."""
    found: dict[str, RelationSpec] = {}
    for prop in inspect(model).relationships:
        spec = _relation(model, prop)
        if spec is not None:
            found[prop.key] = spec
    return found


def _relation(model: type[Any], prop: RelationshipProperty[Any]) -> RelationSpec | None:
    back = next((reverse.key for reverse in prop._reverse_property), None)
    target = prop.mapper.class_
    if prop.direction is RelationshipDirection.MANYTOMANY:
        pairs, far = _plain(prop.synchronize_pairs), _plain(prop.secondary_synchronize_pairs or [])
        if len(pairs) != 1 or len(far) != 1 or not isinstance(prop.secondary, Table):
            return None
        return RelationSpec(
            name=prop.key,
            kind="link",
            source=model,
            target=target,
            local=pairs[0][0],
            remote=far[0][0],
            holds_key=False,
            nullable=True,
            secondary=prop.secondary,
            secondary_local=pairs[0][1],
            secondary_remote=far[0][1],
            back=back,
        )
    pairs = _plain(prop.local_remote_pairs)
    if len(pairs) != 1:
        return None
    local, remote = pairs[0]
    holds_key = prop.direction is RelationshipDirection.MANYTOONE
    return RelationSpec(
        name=prop.key,
        kind="many" if prop.uselist else "one",
        source=model,
        target=target,
        local=local,
        remote=remote,
        holds_key=holds_key,
        nullable=bool(local.nullable) if holds_key else True,
        back=back,
    )


def _plain(pairs: Any) -> list[tuple[Column[Any], Column[Any]]]:
    """Pairs of columns without the tenant's."""
    return [(first, second) for first, second in pairs if not (_is_tenant(first) and _is_tenant(second))]


def _is_tenant(column: Any) -> bool:
    return isinstance(column.table, Table) and column is tenant_column(column.table)

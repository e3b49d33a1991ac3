"""What a flush changes beside the objects it was given: rows that go with a deleted row, and links."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ForeignKeyConstraint, select
from sqlalchemy import inspect as look
from sqlalchemy.orm import Mapper, RelationshipDirection, Session

from mainstay.storage.sessions.criteria import tenant_table


def dependants(mapper: Mapper[Any]) -> Iterator[tuple[Mapper[Any], ForeignKeyConstraint]]:
    """The classes whose rows the database deletes together with rows of this one, and by which key."""
    table = tenant_table(mapper)
    for other in mapper.registry.mappers:
        theirs = tenant_table(other)
        if theirs is None or table is None:
            continue
        for key in theirs.foreign_key_constraints:
            if key.referred_table is table and (key.ondelete or "").upper() == "CASCADE":
                yield other, key


def delete_dependants(session: Session) -> None:
    """Delete them by name, so that the outbox is told of each; the database alone would do it in silence."""
    waiting = list(session.deleted)
    seen = set(waiting)
    while waiting:
        target = waiting.pop()
        mapper = look(target).mapper
        for other, key in dependants(mapper):
            pairs = [
                (other.get_property_by_column(element.parent).key, mapper.get_property_by_column(element.column).key)
                for element in key.elements
            ]
            where = [getattr(other.class_, theirs) == getattr(target, ours) for theirs, ours in pairs]
            for row in session.scalars(select(other.class_).where(*where)):
                if row not in seen:
                    seen.add(row)
                    waiting.append(row)
                    session.delete(row)


def relinked(target: Any) -> bool:
    """Whether links of a many-to-many relation were made or taken away on this side of it."""
    state = look(target)
    return any(
        state.attrs[relation.key].history.has_changes()
        for relation in state.mapper.relationships
        if relation.direction is RelationshipDirection.MANYTOMANY and not relation.viewonly
    )

"""A page out of several ranges of an index, one after the other: what the first ones fill leaves the others unread."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, literal_column, select, union_all

from mainstay.storage.sql import UpTo


def in_turn(ranges: Sequence[Select[Any]], limit: ColumnElement[Any], dialect: str) -> Select[Any]:
    """The first `limit` rows of these, which are in order each and one after the other.

    Both databases run the parts of UNION ALL as they stand, and only as far as the LIMIT around them needs rows;
    PostgreSQL would run them side by side only in a parallel plan, which a statement that sets its scope cannot have.
    """
    if len(ranges) == 1:
        return ranges[0].limit(limit)
    # PostgreSQL keeps a plan whose bounds it can see.
    most = limit.type.most if dialect != "sqlite" and isinstance(limit.type, UpTo) else None
    own = limit if most is None else literal_column(str(most))
    parts = [each.limit(own).subquery(f"range_{index}") for index, each in enumerate(ranges)]
    whole = union_all(*(select(*part.c) for part in parts)).subquery("ranges")
    return select(*whole.c).limit(limit)

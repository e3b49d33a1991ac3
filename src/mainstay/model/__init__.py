"""Declare resources as Python classes: fields, references, checks, hooks, computed fields.

    from mainstay.model import Resource, field, ref
    from sqlalchemy.orm import Mapped, relationship

    class Author(Resource):
        __tablename__ = "authors"
        name: Mapped[str] = field(max_length=120, search=True)

What the floors above read of a declaration is in `mainstay.model.spec`.
"""

from mainstay.model.behaviour import after, before, check, computed, count_of, within
from mainstay.model.declare import field, owned, ref
from mainstay.model.options import Options
from mainstay.model.relations import link
from mainstay.model.resource import Resource

__all__ = [
    "Options",
    "Resource",
    "after",
    "before",
    "check",
    "computed",
    "count_of",
    "field",
    "link",
    "owned",
    "ref",
    "within",
]

"""A declaration as the app holds it, until the rooms are made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.exc import NoInspectionAvailable

from mainstay.access import Access
from mainstay.base.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Declared:
    """A model to serve, and what was said about it outside its class."""

    model: type[Any]
    access: Access | None = None


def declared_of(model: Any, access: Access | None = None, options: Mapping[str, Any] | None = None) -> Declared:
    """Check that this is a mapped class, and give it these options. Raises ConfigurationError."""
    try:
        if not isinstance(model, type):
            raise NoInspectionAvailable
        inspect(model)
    except NoInspectionAvailable:
        raise ConfigurationError(
            f"{model!r} is not a mapped class, so it cannot be served.",
            fix="Derive it from mainstay.Resource, or from an SQLAlchemy DeclarativeBase, with a __tablename__.",
        ) from None
    if options:
        model.__api__ = dict(options)  # type: ignore[attr-defined]  # where describe() looks for them
    return Declared(model, access)

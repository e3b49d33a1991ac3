"""`Resource`: the base class of declared tables, an ordinary SQLAlchemy 2 mapped class with the tenant in its key."""

import inspect
import sys
from copy import deepcopy
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, ForwardRef, get_args, get_origin
from uuid import UUID

from sqlalchemy import MetaData, Table, event
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column, registry
from sqlalchemy.types import TypeEngine

from mainstay.base.errors import ConfigurationError
from mainstay.base.ids import uuid7
from mainstay.model.constraints import METADATA, NAMING, constrain
from mainstay.model.declare import INFO, KIND, MISSING, Declared, Limits, declared
from mainstay.model.relations import join_relations
from mainstay.model.types import Kind
from mainstay.model.types.choose import kind_of_annotation, without_none
from mainstay.storage.types import Integer64, UtcDateTime, UuidText

SYSTEM_COLUMNS = ("tenant_id", "id", "created_at", "updated_at", "row_version")


def _now() -> datetime:
    return datetime.now(UTC)


class Resource(DeclarativeBase):
    """A table that Mainstay serves. Subclass it, name the table, declare fields.

    Every row carries `tenant_id, id, created_at, updated_at, row_version`; all other names are yours.
    `class Base(Resource, family=True): __abstract__ = True` starts a family of tables with its own metadata.
    """

    __abstract__ = True
    metadata: ClassVar[MetaData] = METADATA
    __table__: ClassVar[Table]

    tenant_id: Mapped[UUID] = mapped_column(UuidText(), primary_key=True, sort_order=-100)
    id: Mapped[UUID] = mapped_column(UuidText(), primary_key=True, default=uuid7, sort_order=-99)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), default=_now, sort_order=900)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime(), default=_now, onupdate=_now, sort_order=901)
    row_version: Mapped[int] = mapped_column(Integer64(), default=1, sort_order=902)

    def __init_subclass__(cls, family: bool = False, **options: Any) -> None:
        if family:
            metadata = cls.__dict__.get("metadata") or MetaData(naming_convention=NAMING)
            # SQLAlchemy sets these up for direct subclasses of DeclarativeBase only.
            cls.metadata = metadata
            cls.registry = cls._sa_registry = registry(metadata=metadata)
        if not cls.__dict__.get("__abstract__", False):
            _prepare(cls)
        super().__init_subclass__(**options)
        if "__table__" in cls.__dict__:
            constrain(cls, cls.__table__)


event.listen(Resource, "before_mapper_configured", join_relations, propagate=True)


def _prepare(cls: type[Resource]) -> None:
    """Give every field its column type before SQLAlchemy maps the class."""
    if "__tablename__" not in cls.__dict__ and not hasattr(cls, "__tablename__"):
        raise ConfigurationError(
            f"{cls.__name__} has no __tablename__.", fix='Add one, for example: __tablename__ = "books".'
        )
    taken = [name for name in SYSTEM_COLUMNS if name in cls.__dict__]
    if taken:
        raise ConfigurationError(
            f"{cls.__name__} declares {taken[0]}, which every resource has already.", fix="Give the field another name."
        )
    type_columns(cls, Resource)


def type_columns(cls: type[Any], base: type[Any]) -> None:
    """Give every field that `cls` declares below `base` its column type, in the order of declaration."""
    position = 0
    for owner in reversed(cls.__mro__):
        if owner in base.__mro__:
            continue
        for name, annotation in inspect.get_annotations(owner).items():
            position += 1
            _type_column(cls, owner, name, annotation, position)


def _type_column(cls: type[Any], owner: type[Any], name: str, annotation: Any, position: int) -> None:
    value = owner.__dict__.get(name)
    options = declared(value.column.info) if isinstance(value, MappedColumn) else None
    if value is not None and options is None:
        return
    target = _mapped_argument(cls, owner, name, annotation, required=options is not None)
    if target is None:
        return
    bare, nullable = without_none(target)
    limits = options.limits if options is not None else Limits()
    places = 4 if limits.places is None else limits.places
    found = kind_of_annotation(bare, limits.digits or 18, places, limits.round_to)
    if found is None:
        if options is None:
            return
        raise ConfigurationError(
            f"{cls.__name__}.{name} is annotated with a type that no field can hold.",
            fix="Use str, int, float, bool, Decimal, datetime, date, time, UUID, an Enum of strings, list or dict.",
        )
    setattr(cls, name, _column(options or Declared(), found, nullable, position))


def _column(options: Declared, found: tuple[Kind, TypeEngine[Any]], nullable: bool, position: int) -> MappedColumn[Any]:
    kind, column_type = found
    default = options.default_factory if options.default is MISSING else options.default
    info = {INFO: options, KIND: kind}
    if default is None:
        return mapped_column(column_type, nullable=nullable, sort_order=position, info=info)
    # A list or dict would be shared by all rows; a copy is made for each.
    made = default if callable(default) or not isinstance(default, list | dict) else partial(deepcopy, default)
    return mapped_column(column_type, nullable=nullable, sort_order=position, info=info, default=made)


def _mapped_argument(cls: type[Any], owner: type[Any], name: str, annotation: Any, *, required: bool) -> Any:
    """X of an annotation Mapped[X]; None where it is not a plain column's annotation."""
    if isinstance(annotation, str):
        space = {**vars(sys.modules[owner.__module__]), cls.__name__: cls}
        try:
            annotation = eval(annotation, space, dict(vars(owner)))  # noqa: S307  # the user's own source
        except NameError as error:
            if not required:
                return None
            raise ConfigurationError(
                f"The annotation of {cls.__name__}.{name} names {error.name}, which its module does not know.",
                fix="Import it at the top of the module (not under TYPE_CHECKING).",
            ) from error
    if get_origin(annotation) is not Mapped:
        if required:
            spelt = getattr(annotation, "__name__", str(annotation))
            raise ConfigurationError(
                f"{cls.__name__}.{name} is annotated with {spelt}.", fix=f"Write {name}: Mapped[{spelt}] = ..."
            )
        return None
    argument = get_args(annotation)[0]
    return None if isinstance(argument, ForwardRef | str) and not required else argument

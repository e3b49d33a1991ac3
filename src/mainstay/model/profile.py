"""`UserProfile`: the columns that an app adds to its users, in a table of the app's own on the control plane.

from mainstay.model.profile import UserProfile

class Profile(UserProfile):
    __sign_up__ = ("company",)                          # asked for at sign-up
    company: Mapped[str | None] = field(max_length=100)
    may_publish: Mapped[bool] = field(default=False, write=False)   # a flag: administrators set it
"""

from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Index, MetaData, Table, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

from mainstay.base.errors import ConfigurationError
from mainstay.model.constraints import NAMING
from mainstay.model.declare import declared
from mainstay.model.resource import type_columns
from mainstay.storage.types import UuidText

RESERVED = frozenset({"id", "email", "roles", "scopes", "active", "password", "profile", "preferences", "avatar"})


class UserProfile(DeclarativeBase):
    """What an app keeps of each user. Subclass it once, declare fields, and hand it over: `Mainstay(user=Profile)`.

    `write=False` makes a field that administrators set and its user sees: a permission flag. `read=False` hides it from
    its user. `__sign_up__` names the fields that the sign-up form takes. `__preferences__` is a Pydantic model whose
    every field has a default: what users choose for themselves.
    """

    __abstract__ = True
    __table__: ClassVar[Table]
    __sign_up__: ClassVar[tuple[str, ...]] = ()
    __preferences__: ClassVar[type[BaseModel] | None] = None

    user_id: Mapped[UUID] = mapped_column(UuidText(), primary_key=True, sort_order=-100)

    def __init_subclass__(cls, **options: Any) -> None:
        if not cls.__dict__.get("__abstract__", False):
            # Of its own, so that two apps in one process never share a table.
            cls.metadata = MetaData(naming_convention=NAMING)
            cls._sa_registry = registry(metadata=cls.metadata)
            if not hasattr(cls, "__tablename__"):
                cls.__tablename__ = "profiles"
            type_columns(cls, UserProfile)
        super().__init_subclass__(**options)
        if "__table__" in cls.__dict__:
            _constrain(cls.__table__)
            _refuse_strange(cls)


def _constrain(table: Table) -> None:
    table.info.setdefault("plane", "control")
    for column in table.columns:
        options = declared(column.info)
        if options is None:
            continue
        if options.unique:
            table.append_constraint(UniqueConstraint(column.name, name=f"uq_{table.name}_{column.name}"))
        elif options.index:
            Index(f"ix_{table.name}_{column.name}", column)


def _refuse_strange(cls: type[UserProfile]) -> None:
    columns = {column.name: column for column in cls.__table__.columns}
    for name, column in columns.items():
        if name in RESERVED:
            raise ConfigurationError(f"{cls.__name__}.{name} is something else of a user's.", fix="Call it otherwise.")
        options = declared(column.info)
        if options is not None and (options.target is not None or options.owner):
            raise ConfigurationError(
                f"{cls.__name__}.{name} refers to a row, and users belong to no tenant.",
                fix="Keep an id in it instead.",
            )
    for name in cls.__sign_up__:
        if name not in columns:
            raise ConfigurationError(
                f"{cls.__name__} asks for {name} at sign-up, which is no field of it.", fix="Name one."
            )
        told = declared(columns[name].info)
        if told is not None and told.unique:
            raise ConfigurationError(
                f"{cls.__name__} asks for {name} at sign-up, and it is unique, so strangers could find out who has it.",
                fix="Let users set it afterwards.",
            )
    wanted = cls.__preferences__
    if wanted is not None and (lacking := [n for n, f in wanted.model_fields.items() if f.is_required()]):
        raise ConfigurationError(
            f"The preference {lacking[0]} of {cls.__name__} has no default.", fix="Give every preference a default."
        )

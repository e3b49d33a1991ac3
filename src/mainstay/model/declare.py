"""`field`, `ref` and `owned`: columns that also say how they are validated and shown."""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.orm import MappedColumn, mapped_column

from mainstay.base.errors import ConfigurationError

# What becomes of a row whose owner is erased.
OnErase = Literal["anonymise", "delete", "hand_over", "keep"]
INFO = "mainstay"
KIND = "mainstay_kind"


class _Missing:
    """No default was given; None may be one."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a field's values must satisfy, and how they are tidied before that is checked."""

    max_length: int | None = None
    min_length: int | None = None
    pattern: str | None = None
    ge: Any = None
    gt: Any = None
    le: Any = None
    lt: Any = None
    multiple_of: Any = None
    digits: int | None = None
    places: int | None = None
    trim: bool = False
    lower: bool = False
    upper: bool = False
    round_to: int | None = None
    html: Literal["strip", "basic"] | None = None
    format: Literal["email", "url", "phone"] | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """What `field()`, `ref()` or `owned()` was told, kept in the column's info."""

    limits: Limits = attribute(default_factory=Limits)
    default: Any = MISSING
    default_factory: Callable[[], Any] | None = None
    search: bool = False
    index: bool = False
    unique: bool = False
    write: Literal["always", "create", "never"] = "always"
    read: bool = True
    title: str | None = None
    description: str | None = None
    example: Any = None
    deprecated: bool = False
    personal: bool = False
    target: Any = None
    on_delete: Literal["restrict", "cascade"] = "restrict"
    owner: bool = False
    on_erase: OnErase = "anonymise"


def declared(info: dict[Any, Any]) -> Declared | None:
    """What was declared on a column with this info; None for a plain column."""
    found = info.get(INFO)
    return found if isinstance(found, Declared) else None


def field(
    *,
    default: Any = MISSING,
    default_factory: Callable[[], Any] | None = None,
    max_length: int | None = None,
    min_length: int | None = None,
    pattern: str | None = None,
    ge: Any = None,
    gt: Any = None,
    le: Any = None,
    lt: Any = None,
    multiple_of: Any = None,
    digits: int | None = None,
    places: int | None = None,
    trim: bool = False,
    lower: bool = False,
    upper: bool = False,
    round_to: int | None = None,
    html: Literal["strip", "basic"] | None = None,
    format: Literal["email", "url", "phone"] | None = None,
    search: bool = False,
    index: bool = False,
    unique: bool = False,
    write: bool | Literal["create"] = True,
    read: bool = True,
    title: str | None = None,
    description: str | None = None,
    example: Any = None,
    deprecated: bool = False,
    personal: bool = False,
) -> MappedColumn[Any]:
    """A column of the resource: `mapped_column()` plus validation and exposure.

    `pattern` must match the whole text. `unique` means unique within the tenant. `write=False` hides the field from
    create and update, `write="create"` from update alone; `read=False` never shows it. `round_to` rounds decimals
    half-even instead of refusing further places. `html` sanitises: "strip" removes all markup, "basic" keeps harmless
    tags. `trim`, `lower`, `upper` tidy text before it is checked. `personal` tells the row's owner the field's value
    when they ask for everything that is held about them, also where nobody else shows it to them.
    """
    limits = Limits(
        max_length=max_length,
        min_length=min_length,
        pattern=pattern,
        ge=ge,
        gt=gt,
        le=le,
        lt=lt,
        multiple_of=multiple_of,
        digits=digits,
        places=places,
        trim=trim,
        lower=lower,
        upper=upper,
        round_to=round_to,
        html=html,
        format=format,
    )
    if default is not MISSING and default_factory is not None:
        raise ConfigurationError("A field has both default and default_factory.", fix="Keep one of them.")
    options = Declared(
        limits=limits,
        default=default,
        default_factory=default_factory,
        search=search,
        index=index,
        unique=unique,
        write="always" if write is True else "never" if write is False else "create",
        read=read,
        title=title,
        description=description,
        example=example,
        deprecated=deprecated,
        personal=personal,
    )
    return _column(options)


def ref(
    target: type[Any] | str,
    *,
    unique: bool = False,
    on_delete: Literal["restrict", "cascade"] = "restrict",
    write: bool | Literal["create"] = True,
    read: bool = True,
    title: str | None = None,
    description: str | None = None,
    example: UUID | None = None,
) -> MappedColumn[Any]:
    """The id of a row of another resource, held by a foreign key that carries the tenant too.

    `target` is the class, or its name where it is declared later (or is the class itself). `unique=True` makes the
    relation one-to-one. A target on the control plane (users) is kept by id, without a foreign key.
    """
    options = Declared(
        target=target,
        unique=unique,
        index=True,
        on_delete=on_delete,
        write="always" if write is True else "never" if write is False else "create",
        read=read,
        title=title,
        description=description,
        example=example,
    )
    return _column(options)


def owned(
    *, on_erase: OnErase = "anonymise", description: str | None = "The user who created this row."
) -> MappedColumn[Any]:
    """The id of the user who created the row: stamped on create, never client-writable; `owner` rules look at it.

    When that user is erased the row is deleted, handed over to the tenant's first administrator, kept as it is, or
    made nobody's: NULL, or the id of zeros where the column takes no NULL.
    """
    options = Declared(owner=True, on_erase=on_erase, index=True, write="never", description=description)
    return _column(options)


def _column(options: Declared) -> MappedColumn[Any]:
    # Only a carrier: Resource makes the column once it knows the annotation.
    return mapped_column(info={INFO: options})

"""How a resource appears in the API: everything that is not about its rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from pydantic import BaseModel

from mainstay.base.errors import ConfigurationError

ApiOperation = Literal["list", "get", "create", "update", "replace", "delete", "batch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The value of `__api__`. Every one has a default that suits most resources."""

    name: str | None = None
    """The name in URLs; the table's name otherwise."""
    tags: tuple[str, ...] = ()
    create_on_put: bool = False
    """PUT to a key that does not exist creates the row."""
    client_ids: bool = False
    """POST may choose the id."""
    require_if_match: bool = False
    """PATCH, PUT and DELETE need If-Match (428 otherwise)."""
    default_sort: str | None = None
    """The order of lists that ask for none, as in `-created_at,title`. It gets an index."""
    sorts: tuple[str, ...] = ()
    """Other orders that lists are often asked for: each gets an index. Fields with `index=True` need none here."""
    page_size: int = 20
    max_page_size: int = 200
    hide: tuple[ApiOperation, ...] = ()
    """Operations that are not served."""
    exclude: tuple[str, ...] = ()
    """Columns of an existing model that are neither shown nor written."""
    limits: Mapping[str, str] = field(default_factory=dict)
    """Operation → limit, such as `{"create": "10/minute", "list": "5000/hour loose"}`; counted where limits are on."""
    operations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Per operation: summary, description, deprecated… for the API's description."""
    create: type[BaseModel] | None = None
    replace: type[BaseModel] | None = None
    update: type[BaseModel] | None = None
    read: type[BaseModel] | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.page_size <= self.max_page_size:
            raise ConfigurationError(
                f"page_size is {self.page_size} and max_page_size {self.max_page_size}.",
                fix="Choose a page_size from 1 to max_page_size.",
            )


def read_options(cls: type[Any]) -> Options:
    """The class's `__api__`, an Options or a dict of its names."""
    given = getattr(cls, "__api__", None)
    if given is None:
        return Options()
    if isinstance(given, Options):
        return given
    known = {entry.name for entry in fields(Options)}
    if not isinstance(given, Mapping) or set(given) - known:
        strange = sorted(set(given) - known) if isinstance(given, Mapping) else [type(given).__name__]
        raise ConfigurationError(
            f"{cls.__name__}.__api__ has {', '.join(strange)}, which is no option.",
            fix=f"Use Options(...) with: {', '.join(sorted(known))}.",
        )
    return Options(**given)

"""What a resource does beside storing: checks, hooks, computed fields, counts of related rows."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, overload

from mainstay.base.errors import ConfigurationError

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
Operation = Literal["create", "update", "delete"]
When = Literal["before", "after", "within"]
OPERATIONS: tuple[Operation, ...] = ("create", "update", "delete")
_MARK = "__mainstay_behaviour__"


@dataclass(frozen=True, slots=True)
class Check:
    """A rule about values. With `field` it sees one value, else the whole draft; `database` ones may look rows up."""

    name: str
    call: Callable[..., Any]
    field: str | None = None
    database: bool = False


@dataclass(frozen=True, slots=True)
class Hook:
    """A method called around an operation."""

    name: str
    call: Callable[..., Any]
    when: When
    operations: frozenset[str]
    is_async: bool


@overload
def check(field: F, /) -> F: ...
@overload
def check(field: str, /) -> Callable[[F], F]: ...
@overload
def check(*, database: bool = False) -> Callable[[F], F]: ...
def check(field: Any = None, /, *, database: bool = False) -> Any:
    """Refuse values in your own words, by raising ValueError (or `Invalid`, to name several fields).

    `@check("title")` is called as `method(cls, value)`; what it returns, unless None, replaces the value.
    `@check` is called as `method(self)`, where self has the fields of the row as it is going to be.
    `@check(database=True)` is an `async` method `method(self, records)`, called before the transaction.
    """
    if callable(field):
        return _mark(field, Check(field.__name__, field))

    def decorate(call: F) -> F:
        return _mark(call, Check(call.__name__, call, field, database))

    return decorate


def before(*operations: Operation) -> Callable[[F], F]:
    """Call `method(self)` before the row is written; self is the draft, and setting a field changes it."""
    return _hook("before", operations)


def after(*operations: Operation) -> Callable[[F], F]:
    """Call `method(self)` after the commit, with the row as it was written. It cannot undo the change."""
    return _hook("after", operations)


def within(*operations: Operation) -> Callable[[F], F]:
    """Call `method(cls, session, row)`, not async, inside the transaction; raising rolls it back."""
    return _hook("within", operations)


def _hook(when: When, operations: tuple[Operation, ...]) -> Callable[[F], F]:
    unknown = [name for name in operations if name not in OPERATIONS]
    if unknown:
        raise ConfigurationError(
            f"A hook asks for {unknown[0]!r}, which is no operation.", fix="Name create, update or delete."
        )

    def decorate(call: F) -> F:
        is_async = inspect.iscoroutinefunction(call)
        if when == "within" and is_async:
            raise ConfigurationError(
                f"The hook {call.__name__} runs within the transaction and is async.",
                fix="Make it a plain method: the transaction has a deadline of 250 ms.",
            )
        return _mark(call, Hook(call.__name__, call, when, frozenset(operations or OPERATIONS), is_async))

    return decorate


def _mark(call: F, behaviour: Check | Hook) -> F:
    # A function may carry several: @before("create") @check …
    setattr(call, _MARK, (*getattr(call, _MARK, ()), behaviour))
    return call


class computed(Generic[T]):  # used as a decorator, like property
    """A field that is worked out when the row is shown: `@computed def label(self) -> str`. Never stored."""

    def __init__(self, call: Callable[[Any], T]) -> None:
        self.call = call
        self.name = call.__name__
        self.__doc__ = call.__doc__

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> T:
        # On the class the descriptor itself is wanted; users only read it from rows.
        return self if instance is None else self.call(instance)  # type: ignore[return-value]  # see above


@dataclass(frozen=True, slots=True)
class CountOf:
    """A count of related rows, shown like a field."""

    relation: str
    description: str | None = None


def count_of(relation: str, *, description: str | None = None) -> Any:
    """Show how many rows a to-many relationship has: `book_count = count_of("books")`."""
    return CountOf(relation, description)


def behaviours(cls: type[Any]) -> tuple[list[Check], list[Hook], list[computed[Any]], dict[str, CountOf]]:
    """Everything the class declares, its bases' first, in the order of declaration."""
    checks: list[Check] = []
    hooks: list[Hook] = []
    shown: dict[str, computed[Any]] = {}
    counts: dict[str, CountOf] = {}
    members: dict[str, Any] = {}
    for owner in reversed(cls.__mro__):
        members.update(vars(owner))
    for name, value in members.items():
        if isinstance(value, computed):
            shown[name] = value
        elif isinstance(value, CountOf):
            counts[name] = value
        call = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        for behaviour in getattr(call, _MARK, ()) if inspect.isfunction(call) else ():
            (checks if isinstance(behaviour, Check) else hooks).append(behaviour)
    return checks, hooks, list(shown.values()), counts

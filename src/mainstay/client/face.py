"""What a client offers, written once as flows: a face that waits answers, a face that awaits is awaited."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from mainstay.client.errors import told
from mainstay.client.session import Session
from mainstay.client.steps import Awaiting, Flow, Portion, Waiting

P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D")


class Face(Generic[D]):
    """Some operations of a session. `Face[Waiting]` is for threads, `Face[Awaiting]` for tasks."""

    def __init__(self, driver: D, session: Session) -> None:
        self._driver = driver
        self._session = session

    def _told(self, method: str, path: str, body: Any = None, *, anonymous: bool = False) -> Flow[Any]:
        """What a route of the app's own answers; None for an answer without content."""
        sent = {} if body is None else {"json": body}
        answer = yield from self._session.request(method, path, {**sent, "anonymous": anonymous})  # type: ignore[typeddict-item]  # as found
        return told(answer) if answer.content else None

    def _items(self, path: str) -> Flow[list[Any]]:
        found = yield from self._told("GET", path)
        return list(found["items"])


class Operation(Generic[P, T]):
    """A method whose flow is taken where it is called."""

    def __init__(self, flow: Callable[Concatenate[Any, P], Flow[T]]) -> None:
        self.__wrapped__ = flow
        self.__doc__ = flow.__doc__

    @overload
    def __get__(self, face: None, owner: type) -> Self: ...
    @overload
    def __get__(self, face: Face[Waiting], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, face: Face[Awaiting], owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, face: Any, owner: type) -> Any:
        return self if face is None else _taken(self.__wrapped__, face, face._driver.take)


class Listing(Generic[P, T]):
    """A method whose flows give one portion each, and which is iterated over where it is called."""

    def __init__(self, flow: Callable[Concatenate[Any, P], Flow[Portion[T]]]) -> None:
        self.__wrapped__ = flow
        self.__doc__ = flow.__doc__

    @overload
    def __get__(self, face: None, owner: type) -> Self: ...
    @overload
    def __get__(self, face: Face[Waiting], owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, face: Face[Awaiting], owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, face: Any, owner: type) -> Any:
        return self if face is None else _taken(self.__wrapped__, face, face._driver.each)


def _taken(flow: Callable[..., Any], face: Any, take: Callable[[Any], Any]) -> Callable[..., Any]:
    bound = flow.__get__(face)

    @wraps(bound)
    def operation(*args: Any, **options: Any) -> Any:
        return take(bound(*args, **options))

    return operation

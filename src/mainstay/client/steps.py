"""A conversation with the server as steps, taken by one loop that waits and one that awaits."""

import inspect
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import anyio
import httpx2

from mainstay.client.errors import ClientError, Unreachable

T = TypeVar("T")


# No representation shows what is secret: it ends up in logs, with the local variables of a traceback.
@dataclass(frozen=True, slots=True)
class Send:
    """Send this; the step's result is the answer, read to its end. Unreachable is raised into the conversation."""

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    params: list[tuple[str, str]] | None = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)
    timeout: httpx2.Timeout | None = None
    # Whether it may be done twice.
    again: bool = False
    # Whether it is for this address alone: redirects are answers.
    stays: bool = False

    def options(self) -> dict[str, Any]:
        """What httpx2 takes."""
        found: dict[str, Any] = {"headers": self.headers, "params": self.params, "content": self.content}
        found |= {} if self.timeout is None else {"timeout": self.timeout}
        return found | ({"follow_redirects": False} if self.stays else {})


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the program; the step's result is what it says."""

    hook: Callable[[Any], Any]
    about: Exception


Step = Send | Pause | Ask
Flow = Generator[Step, Any, T]
# Some items, and the flow of those that follow.
Portion = tuple[list[T], "Flow[Any] | None"]


# A body that cannot be read is no answer either.
LOST = (httpx2.TransportError, httpx2.DecodingError)


class Talk(Generic[T]):
    """A flow under way: whoever takes its steps leaves each one's result in `result`, or what it raised in `error`."""

    value: T

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self.result: Any = None
        self.error: Exception | None = None

    def steps(self) -> Iterator[Step]:
        try:
            step = next(self._flow)
            while True:
                self.result = self.error = None
                yield step
                error = self.error
                if isinstance(error, LOST):
                    error = _unreachable(error)
                step = self._flow.send(self.result) if error is None else self._flow.throw(error)
        except StopIteration as done:
            self.value = done.value

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        # Whoever is interrupted gives back what they hold.
        self._flow.close()


class Waiting:
    """Takes the steps in this thread."""

    def __init__(self, http: httpx2.Client | None) -> None:
        self._owned = http is None
        self._http = httpx2.Client(timeout=30) if http is None else http

    def take(self, flow: Flow[T]) -> T:
        """What comes of it."""
        with Talk(flow) as talk:
            for step in talk.steps():
                try:
                    talk.result = self._do(step)
                except Exception as error:  # it is the flow's to judge
                    talk.error = error
        return talk.value

    def each(self, flow: Flow[Portion[T]]) -> Iterator[T]:
        """The items of all portions; the next one is asked for when it is needed."""
        following: Flow[Portion[T]] | None = flow
        while following is not None:
            items, following = self.take(following)
            yield from items

    def _do(self, step: Step) -> Any:
        if isinstance(step, Send):
            return self._http.request(step.method, step.url, **step.options())
        if isinstance(step, Pause):
            return time.sleep(step.seconds)
        said = step.hook(step.about)
        if inspect.iscoroutine(said):
            said.close()
            raise ClientError("What asks for a proof is a coroutine function: AsyncClient awaits it, Client cannot.")
        return said

    def close(self) -> None:
        if self._owned:
            self._http.close()


class Awaiting:
    """Takes the steps in this task."""

    def __init__(self, http: httpx2.AsyncClient | None) -> None:
        self._owned = http is None
        self._http = httpx2.AsyncClient(timeout=30) if http is None else http

    async def take(self, flow: Flow[T]) -> T:
        with Talk(flow) as talk:
            for step in talk.steps():
                try:
                    talk.result = await self._do(step)
                except Exception as error:  # it is the flow's to judge
                    talk.error = error
        return talk.value

    async def each(self, flow: Flow[Portion[T]]) -> AsyncIterator[T]:
        following: Flow[Portion[T]] | None = flow
        while following is not None:
            items, following = await self.take(following)
            for item in items:
                yield item

    async def _do(self, step: Step) -> Any:
        if isinstance(step, Send):
            return await self._http.request(step.method, step.url, **step.options())
        if isinstance(step, Pause):
            return await anyio.sleep(step.seconds)
        said = step.hook(step.about)
        return await said if inspect.isawaitable(said) else said

    async def close(self) -> None:
        if self._owned:
            await self._http.aclose()


def _unreachable(error: Exception) -> Unreachable:
    found = Unreachable()
    found.__cause__ = error
    return found

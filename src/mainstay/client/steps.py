"""A conversation with the server as steps, taken by one loop that waits and one that awaits."""

import inspect
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import anyio
import httpx2

from mainstay.client.errors import StepUpRequired, Unreachable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    """Send this; the step's result is the answer, read to its end. Unreachable is raised into the conversation."""

    method: str
    url: str
    headers: dict[str, str]
    params: list[tuple[str, str]] | None = None
    content: bytes | None = None
    timeout: httpx2.Timeout | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the program for another proof; the step's result is whether it has one now."""

    problem: StepUpRequired


Step = Send | Pause | Ask
Flow = Generator[Step, Any, T]
StepUp = Callable[[StepUpRequired], bool | Awaitable[bool]] | None


def _sent(step: Send) -> dict[str, Any]:
    told: dict[str, Any] = {"headers": step.headers, "params": step.params, "content": step.content}
    return told | ({} if step.timeout is None else {"timeout": step.timeout})


def take(flow: Flow[T], http: httpx2.Client, step_up: StepUp) -> T:
    """All steps, one after the other, in this thread."""
    try:
        step = next(flow)
        while True:
            result: Any = None
            try:
                if isinstance(step, Send):
                    result = http.request(step.method, step.url, **_sent(step))
                elif isinstance(step, Pause):
                    time.sleep(step.seconds)
                else:
                    result = step_up is not None and step_up(step.problem)
            except httpx2.TransportError as error:
                step = flow.throw(_unreachable(error))
            else:
                step = flow.send(result)
    except StopIteration as done:
        return cast(T, done.value)
    finally:
        # Whoever is interrupted gives back what they hold.
        flow.close()


async def take_async(flow: Flow[T], http: httpx2.AsyncClient, step_up: StepUp) -> T:
    """All steps, one after the other, in this task."""
    try:
        step = next(flow)
        while True:
            result: Any = None
            try:
                if isinstance(step, Send):
                    result = await http.request(step.method, step.url, **_sent(step))
                elif isinstance(step, Pause):
                    await anyio.sleep(step.seconds)
                else:
                    result = step_up is not None and step_up(step.problem)
                    result = await result if inspect.isawaitable(result) else result
            except httpx2.TransportError as error:
                step = flow.throw(_unreachable(error))
            else:
                step = flow.send(result)
    except StopIteration as done:
        return cast(T, done.value)
    finally:
        flow.close()


def _unreachable(error: Exception) -> Unreachable:
    found = Unreachable()
    found.__cause__ = error
    return found

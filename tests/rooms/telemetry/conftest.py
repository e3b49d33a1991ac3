"""Where lines are kept for a test to read, and a root of logging without pytest's own handlers."""

import json
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from mainstay.telemetry import Telemetry


class Kept:
    """A sink that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, lines: Sequence[str]) -> None:
        self.lines.extend(lines)

    def close(self) -> None:
        """Nothing to close."""

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The lines, each of which is one JSON object."""
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def kept() -> Kept:
    return Kept()


@contextmanager
def bare_root() -> Iterator[logging.Logger]:
    """The root logger as a server finds it: nobody has configured anything. Pytest's handlers are back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    root.handlers = []
    try:
        yield root
        assert root.handlers == [], "the root of logging was not left as it was found"
        assert root.level == level
    finally:
        root.handlers = handlers
        root.setLevel(level)


@asynccontextmanager
async def at_the_root(telemetry: Telemetry) -> AsyncIterator[logging.Logger]:
    """The room, running in a process whose logging nobody has configured."""
    with bare_root() as root:
        async with telemetry.running():
            yield root

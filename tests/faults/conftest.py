"""The short form of each fault is part of every test run; `make test-faults` inflicts them in full."""

import os
from collections.abc import Iterator

import pytest

from tests.faults.server import Server, served

FULL = os.environ.get("MAINSTAY_FAULTS") == "full"


@pytest.fixture(scope="session")
def full() -> bool:
    """Whether the faults are inflicted in full."""
    return FULL


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Iterator["Figures"]:
    """Takes what was measured; printed in the full form."""
    figures = Figures()
    yield figures
    if FULL and figures.told:
        capture = request.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            print(f"\n  {request.node.name}: {', '.join(figures.told)}", flush=True)


class Figures:
    """What a test measured, in words."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __call__(self, words: str) -> None:
        self.told.append(words)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a module, with one worker on SQLite. It has to be whole at the end."""
    with served(tmp_path_factory.mktemp("faults")) as server:
        workers = server.workers()
        yield server
        assert server.workers() == workers, server.said()
        assert server.clean(), server.said()
        assert server.stop() == 0

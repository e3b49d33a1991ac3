"""The fixture `backend` for a project's own tests; `mainstay_app` in pytest's settings says which app (app.py)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mainstay.assembly import Mainstay
    from mainstay.testing.backend import Backend


def pytest_addoption(parser: pytest.Parser) -> None:
    """Two settings, each with its option."""
    parser.addini(
        "mainstay_app", "The app that `backend` opens: app.py, app.py:name or package.module:name.", default="app.py"
    )
    group = parser.getgroup("mainstay")
    group.addoption(
        "--mainstay-database", metavar="URL", help="Run `backend` tests on this PostgreSQL server's databases."
    )


@pytest.fixture(scope="session")
def mainstay_app(pytestconfig: pytest.Config) -> "Mainstay":
    """The app under test. A project may have a fixture of its own with this name."""
    from mainstay.assembly import load  # noqa: PLC0415  loaded by every pytest run, used by few

    place = str(pytestconfig.getini("mainstay_app"))
    path, _, name = place.partition(":")
    if path.endswith(".py"):
        place = str(pytestconfig.rootpath / path) + (f":{name}" if name else "")
    return load(place).app


@pytest.fixture
def backend(mainstay_app: "Mainstay", pytestconfig: pytest.Config) -> Iterator["Backend"]:
    """The app on a fresh, migrated database; everything it changed is put back afterwards."""
    from mainstay.testing.backend import Backend  # noqa: PLC0415  see above
    from mainstay.testing.fresh import fresh_database  # noqa: PLC0415  see above

    with (
        fresh_database(pytestconfig.getoption("--mainstay-database")) as url,
        Backend(mainstay_app, database_url=url) as opened,
    ):
        yield opened

"""What compiling a plan needs to know, and what running one carries along."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Dialect

from mainstay.resources.cursors import Cursors
from mainstay.resources.options import Envelope, ResourcesOptions
from mainstay.resources.plan.select.lens import Lens
from mainstay.resources.query import QueryReader
from mainstay.resources.registry import Registry
from mainstay.storage.statement import Rows, Statement

T = TypeVar("T")
Steps = Generator[tuple[Statement, Any], Rows, T]


@dataclass(frozen=True, slots=True)
class PlanContext:
    """The compiling side: one caller's lenses over one database's resources."""

    registry: Registry
    dialect: Dialect
    cursors: Cursors
    reader: Callable[[str], QueryReader]
    lens_of: Callable[[str], Lens]

    @property
    def options(self) -> ResourcesOptions:
        return self.registry.options


@dataclass(slots=True, eq=False)
class Run:
    """The running side: one request's tenant and the driver values of every rule involved."""

    tenant: bytes
    values: dict[str, Any]
    cursors: Cursors
    envelope: Envelope
    embedded: bool
    """SQLite: a list is bound as JSON."""
